"""Who may do what with a company's events, and who saw what.

`Access.authenticate` (in `authenticating`) turns the headers of a request into a `Caller`;
`Access.visible` says which events the caller may see. `accounts`, `tokens` and `policies` are what
an administrator changes; `trail` keeps who saw what on a chain of hashes.
"""
