"""Pages: villagers' chat and sheets, the cadres' desk. Server-rendered; readable without JavaScript."""
