"""Row 2: the trade's rules as values: elements, forms, recipes, custody models, claims, quotas."""
