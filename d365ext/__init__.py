"""Partner pipelines inside Dynamics 365: definitions, deployment, a client of the Web API and a local Dataverse.

errors names settings log shipped   small shared base
webapi        the client            definitions   what is wanted, as types
deploy        makes it so           loader        rows from CSV files
emulator      the local Dataverse   cli           the only place that prints
"""
