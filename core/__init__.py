"""What every domain may stand on: settings, database, accounts, regions, crypto, clock."""
