"""The port that Rasa calls back: loopback only, with a token. Whoever can post here can forge a conversation."""

from __future__ import annotations

import hmac
from typing import Any

from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionExecutionRejection, ActionNotFoundException
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.actions import TurnOver


def action_app(executor: ActionExecutor, token: str) -> Starlette:
    """rasa-sdk's webhook over its own executor: 200 done, 400 rejected, 403 wrong token, 404 unknown action, 409 for
    no open turn."""

    async def webhook(request: Request) -> JSONResponse:
        if not hmac.compare_digest(request.query_params.get("token", "").encode(), token.encode()):
            return JSONResponse({"error": "wrong token"}, 403)
        call: dict[str, Any] = await request.json()
        try:
            result = await executor.run(call)
        except ActionExecutionRejection as rejection:
            return JSONResponse({"error": rejection.message, "action_name": rejection.action_name}, 400)
        except TurnOver as over:
            return JSONResponse({"error": str(over), "action_name": call.get("next_action")}, 409)
        except ActionNotFoundException as missing:
            return JSONResponse({"error": missing.message, "action_name": missing.action_name}, 404)
        return JSONResponse(result.model_dump() if result else None)

    return Starlette(routes=[Route("/webhook", webhook, methods=["POST"])])
