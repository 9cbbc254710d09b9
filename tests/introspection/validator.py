"""Authlib's validator of introspected tokens, as a resource server has it.

validator.py URL ID SECRET CA TOKEN...: prints a line for each token.
"""

import sys

import requests
from authlib.oauth2.rfc6749 import OAuth2Request, ResourceProtector
from authlib.oauth2.rfc6750.errors import InvalidTokenError
from authlib.oauth2.rfc7662 import IntrospectTokenValidator

url, client_id, client_secret, ca, *tokens = sys.argv[1:]


class Validator(IntrospectTokenValidator):
    def introspect_token(self, token_string):
        form = {"token": token_string, "token_type_hint": "access_token"}
        answer = requests.post(url, data=form, auth=(client_id, client_secret), verify=ca, timeout=30)
        answer.raise_for_status()
        return answer.json()


def verdict(protector, token):
    headers = {"Authorization": f"Bearer {token}"}
    try:
        known = protector.validate_request(["gist"], OAuth2Request("GET", "https://wiki/", headers=headers))
        return f"200 {known['username']} {known['sub']} {known['scope']}"
    except InvalidTokenError as error:
        return f"401 {error.error}"
    except requests.HTTPError as error:
        return str(error.response.status_code)


protector = ResourceProtector()
protector.register_token_validator(Validator())
for token in tokens:
    print(verdict(protector, token))
