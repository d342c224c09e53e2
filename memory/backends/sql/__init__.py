"""What every relational record store shares: tables, migrations, filters, mapping and the chain."""
