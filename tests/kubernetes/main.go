// Asks about tokens by the client with which an API server of Kubernetes asks its webhook.
//
//	reviewer KUBECONFIG VERSION TIMEOUT
//
// Each line of its input is a token, and after a space perhaps an audience that is asked for. Each
// line of its output is a JSON object: what the API server would be told within the timeout.
// Built by build.sh beside it.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"strings"
	"time"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/plugin/pkg/authenticator/token/webhook"
)

// What an API server is good for itself, unless its options name another.
var implicit = authenticator.Audiences{"https://kubernetes.default.svc"}

type said struct {
	Authenticated bool                `json:"authenticated"`
	Error         string              `json:"error"`
	User          string              `json:"user"`
	UID           string              `json:"uid"`
	Groups        []string            `json:"groups"`
	Extra         map[string][]string `json:"extra"`
	Audiences     []string            `json:"audiences"`
}

func main() {
	asker, err := webhook.New(os.Args[1], os.Args[2], implicit, *webhook.DefaultRetryBackoff(), nil)
	if err != nil {
		panic(err)
	}
	timeout, err := time.ParseDuration(os.Args[3])
	if err != nil {
		panic(err)
	}
	answers := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		token, audience, _ := strings.Cut(lines.Text(), " ")
		if err := answers.Encode(ask(asker, token, audience, timeout)); err != nil {
			panic(err)
		}
	}
}

func ask(asker authenticator.Token, token, audience string, timeout time.Duration) said {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if audience != "" {
		ctx = authenticator.WithAudiences(ctx, authenticator.Audiences{audience})
	}
	response, ok, err := asker.AuthenticateToken(ctx, token)
	answer := said{Authenticated: ok}
	if err != nil {
		answer.Error = err.Error()
	}
	if ok {
		answer.User = response.User.GetName()
		answer.UID = response.User.GetUID()
		answer.Groups = response.User.GetGroups()
		answer.Extra = response.User.GetExtra()
		answer.Audiences = response.Audiences
	}
	return answer
}
