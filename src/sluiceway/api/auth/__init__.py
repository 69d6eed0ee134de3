"""Who a request is from, and how much one may ask."""
