import pytest

from tests.providers.loopback import make_authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """A certificate authority, and the file that trusts it."""
    made = make_authority()
    file = tmp_path_factory.mktemp("authority") / "ca.pem"
    made.cert_pem.write_to_path(str(file))
    return made, file


@pytest.fixture
def trusted(authority, monkeypatch):
    """The authority, trusted by everything in this process."""
    made, file = authority
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(file))
    return made
