"""The tables of who may call. Secrets are in none of them: there are digests, and for access keys sealed texts."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Table, Text, text

from sluiceway.store.schema import metadata

__all__ = ["access_keys", "grants", "metadata", "tokens", "users"]

users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    Column("password", Text),  # hashed; none for who never signs in with one
    Column("subject", Text, unique=True),  # what an identity provider calls the user
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
    Column("may_change_password", Boolean, nullable=False, server_default=text("0")),  # their own
)

access_keys = Table(
    "access_keys",
    metadata,
    Column("access", Text, primary_key=True),
    Column("user", Text, nullable=False),
    Column("secret", Text, nullable=False),  # sealed, for a signature is checked with the secret itself
    Column("security_token", Text),  # a digest; only of temporary credentials
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
)

# Tokens that end before their time are removed, so a row is a token that is good.
tokens = Table(
    "tokens",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("user", Text, nullable=False),
    Column("project", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("root", Text),  # the digest of the token that began a row of exchanges; NULL: it was not exchanged
    Index("tokens_of_user", "user"),
    Index("tokens_of_root", "root"),
    Index("tokens_by_end", "expires_at"),
)

grants = Table(
    "grants",
    metadata,
    Column("user", Text, primary_key=True),
    Column("project", Text, primary_key=True),
    Column("queue", Text, primary_key=True),  # empty: every queue
    Column("role", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
