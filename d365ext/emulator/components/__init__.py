"""Components that are rows: solutions, views, forms, charts, apps, mappings; their labels, versions, dependencies."""
