"""Every provider's module with the vendor's own library against a server on loopback; nothing is mocked."""
