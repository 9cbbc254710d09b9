"""Tells whether a request came through the gate, with PyJWT.

    pip install 'pyjwt[crypto]'

A tool calls `verify` for each request, and answers 401 if it raises. From a shell, with the
assertion on standard input:

    python3 verify_assertion.py GATE AUDIENCE GET /notes < assertion
"""

import json
import sys

import jwt


class Gate:
    def __init__(self, url, audience):
        self.url, self.audience = url, audience
        # Fetches again for a key that it does not know, and every five minutes.
        self.keys = jwt.PyJWKClient(url + "/.well-known/jwks.json")

    def verify(self, assertion, method, path):
        """Returns the claims; `path` is that of the request line, without the query."""
        key = self.keys.get_signing_key_from_jwt(assertion)
        claims = jwt.decode(
            assertion,
            key,
            algorithms=["EdDSA", "ES256"],
            issuer=self.url,
            audience=self.audience,
            leeway=5,
            options={"require": ["iss", "aud", "sub", "iat", "exp"]},
        )
        if (claims["htm"], claims["path"]) != (method, path):
            raise jwt.InvalidTokenError("for another request")
        return claims


if __name__ == "__main__":
    url, audience, method, path = sys.argv[1:]
    try:
        claims = Gate(url, audience).verify(sys.stdin.read().strip(), method, path)
    except jwt.InvalidTokenError as error:
        sys.exit(f"refused: {error}")
    print(json.dumps(claims))
