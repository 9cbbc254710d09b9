// Signs in to an emulated GHES with x/oauth2, go-github and cli/oauth, as tools would.
//
//	go run flows.go URL GITHUB_APP OAUTH_APP CLIENT_SECRET TOKEN
//
// GITHUB_APP and OAUTH_APP are client ids with the same secret. Ends with `done`, or with an error.
// The libraries are those of Debian's packages; see .ci/run.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"

	"github.com/cli/oauth"
	"github.com/google/go-github/github"
	"golang.org/x/oauth2"
)

var (
	base, githubApp, oauthApp, secret = os.Args[1], os.Args[2], os.Args[3], os.Args[4]

	ctx = context.Background()
	// Shows where a browser is sent.
	browser = http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
)

func main() {
	for _, clientID := range []string{githubApp, oauthApp} {
		// Without a style, x/oauth2 tries Basic authentication, and then the parameters.
		for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleAutoDetect, oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams} {
			lifeOfAToken(clientID, signIn(clientID, style))
		}
		cliWebFlow(clientID)
	}
	cliDeviceFlow()
	fmt.Println("done")
}

// signIn goes through the web flow; a token that can be renewed is.
func signIn(clientID string, style oauth2.AuthStyle) *oauth2.Token {
	config := oauth2.Config{
		ClientID:     clientID,
		ClientSecret: secret,
		RedirectURL:  "http://tool.test/",
		Scopes:       []string{"repo"},
		Endpoint: oauth2.Endpoint{
			AuthURL:   base + "/login/oauth/authorize",
			TokenURL:  base + "/login/oauth/access_token",
			AuthStyle: style,
		},
	}
	back := approve(config.AuthCodeURL("s"))
	token := must(config.Exchange(ctx, back.Query().Get("code")))
	if token.RefreshToken == "" {
		return token
	}
	renewed := must(config.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token())
	expect(renewed.AccessToken != token.AccessToken, "a new token")
	return renewed
}

func lifeOfAToken(clientID string, token *oauth2.Token) {
	expect(login(token) == "octocat", "octocat's token")
	credentials := github.BasicAuthTransport{Username: clientID, Password: secret}
	app := must(github.NewEnterpriseClient(base, base, credentials.Client())).Authorizations
	checked, _, err := app.Check(ctx, clientID, token.AccessToken)
	expect(err == nil && checked.GetUser().GetLogin() == "octocat", "a good token", err)
	reset, _, err := app.Reset(ctx, clientID, token.AccessToken)
	expect(err == nil && reset.GetID() == checked.GetID(), "the same authorization", err)
	_, reply, _ := app.Check(ctx, clientID, token.AccessToken)
	expect(reply.StatusCode == http.StatusNotFound, "no token any more")
	_, err = app.Revoke(ctx, clientID, reset.GetToken())
	expect(err == nil, "a revoked token", err)
	reply, _ = app.DeleteGrant(ctx, clientID, reset.GetToken())
	expect(reply.StatusCode == http.StatusNotFound, "no token to find the grant by")
}

func cliWebFlow(clientID string) {
	flow := oauth.Flow{
		Host:         oauth.GitHubHost(base),
		ClientID:     clientID,
		ClientSecret: secret,
		CallbackURI:  "http://127.0.0.1/callback",
		BrowseURL: func(place string) error {
			back := approve(place)
			go http.Get(back.String())
			return nil
		},
	}
	token := must(flow.WebAppFlow())
	expect(login(&oauth2.Token{AccessToken: token.Token}) == "octocat", "octocat's token")
}

func cliDeviceFlow() {
	flow := oauth.Flow{
		Host:     oauth.GitHubHost(base),
		ClientID: githubApp,
		DisplayCode: func(code, place string) error {
			expect(place == base+"/login/device", place)
			submit("/login/device", url.Values{"user_code": {code}})
			return nil
		},
		BrowseURL: func(string) error { return nil },
		Stdin:     os.Stdin,
		Stdout:    os.Stderr,
	}
	token := must(flow.DeviceFlow())
	expect(login(&oauth2.Token{AccessToken: token.Token}) == "octocat", "octocat's token")
}

func login(token *oauth2.Token) string {
	client := oauth2.NewClient(ctx, oauth2.StaticTokenSource(token))
	user, _, err := must(github.NewEnterpriseClient(base, base, client)).Users.Get(ctx, "")
	expect(err == nil, "a user", err)
	return user.GetLogin()
}

// approve does what a browser does with the address it is sent to, and returns where it comes back.
func approve(place string) *url.URL {
	page := must(browser.Get(place))
	page.Body.Close()
	expect(page.StatusCode == http.StatusOK, place, page.Status)
	return must(submit("/login/oauth/authorize", must(url.Parse(place)).Query()).Location())
}

func submit(path string, fields url.Values) *http.Response {
	fields.Set("login", "octocat")
	fields.Set("password", "octocat")
	fields.Set("decision", "authorize")
	reply := must(browser.PostForm(base+path, fields))
	reply.Body.Close()
	return reply
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Panic(err)
	}
	return value
}

func expect(holds bool, what ...any) {
	if !holds {
		log.Panic("expected ", what)
	}
}
