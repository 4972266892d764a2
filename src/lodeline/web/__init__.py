"""The node over HTTP: EPCIS 2.0's REST binding, a Digital Link resolver, and what operators need.

`app.build` makes the application from a `service.Service`; `serving` runs it. `operations` has the
one table from which routes, OPTIONS answers and the OpenAPI document are made.
"""
