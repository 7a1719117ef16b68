package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"muster/internal/code"
	"muster/internal/pagetoken"
	"muster/internal/source/forge"
	"muster/internal/source/guard"
)

// code builds the parts about source code.
func (s *Server) code(d *desks, pages *pagetoken.Sealer) error {
	allowed, err := guard.New(s.config.CodeNetworks)
	if err != nil {
		return fmt.Errorf("code_networks: %w", err)
	}
	app, err := githubApp(s.config.GitHubApp)
	if err != nil {
		return fmt.Errorf("github_app: %w", err)
	}
	d.code = code.New(code.Config{
		Store: s.store, Scans: d.scan, Secrets: s.keyring, Pages: pages, Uploads: d.functions, Advisories: s.refresh.Current, Guard: allowed,
		Address: strings.TrimRight(s.config.PublicURL, "/"), App: app, Every: s.config.CodeInterval,
	})
	return nil
}

// githubApp reads the file that describes the operator's GitHub App.
func githubApp(file string) (*forge.App, error) {
	if file == "" {
		return nil, nil
	}
	body, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var in struct {
		URL          string `json:"url"`
		API          string `json:"api"`
		Slug         string `json:"slug"`
		ID           string `json:"id"`
		ClientID     string `json:"clientId"`
		ClientSecret string `json:"clientSecret"`
		PrivateKey   string `json:"privateKey"`
		Webhook      string `json:"webhookSecret"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	if in.Slug == "" || in.ID == "" || in.ClientID == "" || in.ClientSecret == "" {
		return nil, errors.New("slug, id, clientId and clientSecret are needed")
	}
	key, err := forge.ParseKey([]byte(in.PrivateKey))
	if err != nil {
		return nil, fmt.Errorf("privateKey: %w", err)
	}
	app := &forge.App{URL: in.URL, API: in.API, Slug: in.Slug, ID: in.ID, ClientID: in.ClientID, ClientSecret: in.ClientSecret, Key: key, WebhookSecret: in.Webhook}
	if app.URL == "" {
		app.URL, app.API = "https://github.com", "https://api.github.com"
	}
	app.URL = strings.TrimRight(app.URL, "/")
	if app.API = strings.TrimRight(app.API, "/"); app.API == "" {
		app.API = app.URL + "/api/v3" // as enterprises have it
	}
	return app, nil
}
