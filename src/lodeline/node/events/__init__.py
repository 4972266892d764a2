"""The events of a company: captured, kept, queried, and carried to the ledger.

`schema` has the tables, `store` opens them, `capture` takes documents in. Whoever adds a table adds
a migration (see `migrations`). Every read and write is of one `Tenant`.
"""
