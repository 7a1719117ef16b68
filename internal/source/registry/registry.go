// Package registry speaks to container registries: which repositories and tags
// there are, and what manifests say. Every answer is bounded; what is asked by
// digest is held against the digest.
package registry

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"muster/internal/source/image"
)

// Bounds of what a registry may answer.
const (
	maxAnswer   = 32 << 20
	maxManifest = 4 << 20
	maxChildren = 200
	pageOfNames = 1000
)

// UserAgent is how muster's own requests are known, so that its pulls do not
// count as somebody's.
const UserAgent = "muster"

// What can be wrong with an answer; others are of the network.
var (
	// ErrNotFound: there is no such repository or manifest.
	ErrNotFound = errors.New("not in the registry")
	// ErrDenied: the credentials do not open it.
	ErrDenied = errors.New("the registry denies access")
)

// Client reaches one registry.
type Client struct {
	registry name.Registry
	options  []remote.Option
	source   image.Registry
}

// New makes a client for the registry at an address of scheme and host. The
// transport does all requests, redirected ones and those for tokens, too.
func New(address, user, password string, through http.RoundTripper) (*Client, error) {
	u, err := Address(address)
	if err != nil {
		return nil, err
	}
	var parsing []name.Option
	if u.Scheme == "http" {
		parsing = append(parsing, name.Insecure)
	}
	r, err := name.NewRegistry(u.Host, parsing...)
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	if u.Scheme == "https" && r.Scheme() == "http" {
		return nil, errors.New("registry: https is not spoken with this machine; give http")
	}
	who := authn.Anonymous
	if user != "" || password != "" {
		who = &authn.Basic{Username: user, Password: password}
	}
	guarded := bounded{image.FewRedirects(cmp.Or(through, http.DefaultTransport))}
	return &Client{
		registry: r,
		options:  []remote.Option{remote.WithAuth(who), remote.WithUserAgent(UserAgent), remote.WithTransport(guarded), remote.WithJobs(1)},
		source:   image.Registry{Insecure: u.Scheme == "http", User: user, Password: password, Anonymous: true, Transport: through},
	}, nil
}

// Address reads a registry's address: http or https, and a host.
func Address(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("the address cannot be read")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, errors.New("the address is not of the form https://registry.example.com")
	case u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the address has more than a scheme, a host and a port")
	}
	return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}, nil
}

// Host is the registry's as references name it.
func (c *Client) Host() string { return c.registry.RegistryStr() }

// Source is how the content of images is pulled.
func (c *Client) Source() image.Registry { return c.source }

// Reference names an image of the registry by digest.
func (c *Client) Reference(repository, digest string) string {
	return c.registry.Repo(repository).Digest(digest).String()
}

func (c *Client) with(ctx context.Context) []remote.Option {
	return append(slices.Clone(c.options), remote.WithContext(ctx))
}

// Ping asks whether the registry answers with these credentials.
func (c *Client) Ping(ctx context.Context) error {
	_, err := remote.CatalogPage(c.registry, "", 1, c.with(ctx)...)
	if e, ok := errors.AsType[*transport.Error](err); ok && (e.StatusCode == http.StatusNotFound || e.StatusCode == http.StatusMethodNotAllowed) {
		return nil // it has no catalogue, and let us in
	}
	return Problem(err)
}

// Repositories lists up to limit repositories of the catalogue; more is true
// when there are others.
func (c *Client) Repositories(ctx context.Context, limit int) (list []string, more bool, err error) {
	for last := ""; ; {
		page, err := remote.CatalogPage(c.registry, last, pageOfNames, c.with(ctx)...)
		if err != nil {
			return nil, false, Problem(err)
		}
		for _, n := range page {
			if len(list) == limit {
				return list, true, nil
			}
			list = append(list, n)
		}
		// A registry that repeats itself must not keep us.
		if len(page) < pageOfNames || page[len(page)-1] <= last && last != "" {
			return list, false, nil
		}
		last = page[len(page)-1]
	}
}

// Tags lists up to limit tags of a repository; more is true when there are
// others.
func (c *Client) Tags(ctx context.Context, repository string, limit int) (list []string, more bool, err error) {
	puller, err := remote.NewPuller(c.with(ctx)...)
	if err != nil {
		return nil, false, err
	}
	repo, err := c.repository(repository)
	if err != nil {
		return nil, false, err
	}
	lister, err := puller.Lister(ctx, repo)
	if err != nil {
		return nil, false, Problem(err)
	}
	for pages := 0; lister.HasNext() && pages <= limit; pages++ {
		page, err := lister.Next(ctx)
		if err != nil {
			return nil, false, Problem(err)
		}
		for _, t := range page.Tags {
			if len(list) == limit {
				return list, true, nil
			}
			list = append(list, t)
		}
	}
	return list, false, nil
}

func (c *Client) repository(text string) (name.Repository, error) {
	repo, err := name.NewRepository(c.registry.RegistryStr()+"/"+text, c.parsing()...)
	if err != nil {
		return repo, fmt.Errorf("repository: %w", err)
	}
	return repo, nil
}

func (c *Client) parsing() []name.Option {
	if c.source.Insecure {
		return []name.Option{name.Insecure}
	}
	return nil
}

// reference names a manifest by tag or digest.
func (c *Client) reference(repository, reference string) (name.Reference, error) {
	separator := ":"
	if strings.Contains(reference, ":") {
		separator = "@"
	}
	ref, err := name.ParseReference(c.registry.RegistryStr()+"/"+repository+separator+reference, c.parsing()...)
	if err != nil {
		return nil, fmt.Errorf("reference: %w", err)
	}
	return ref, nil
}

// Digest tells which manifest a tag or digest leads to.
func (c *Client) Digest(ctx context.Context, repository, reference string) (string, error) {
	ref, err := c.reference(repository, reference)
	if err != nil {
		return "", err
	}
	d, err := remote.Head(ref, c.with(ctx)...)
	if err != nil {
		return "", Problem(err)
	}
	return d.Digest.String(), nil
}

// Delete deletes a manifest by digest, with all of its tags.
func (c *Client) Delete(ctx context.Context, repository, digest string) error {
	ref, err := c.reference(repository, digest)
	if err != nil {
		return err
	}
	return Problem(remote.Delete(ref, c.with(ctx)...))
}

// Manifest is what a manifest and its configuration say.
type Manifest struct {
	Digest, MediaType, ConfigType string
	Raw                           []byte
	// Children are the manifests that an index leads to, without attestations.
	Children []string
	// Manifests are all manifests of an index; Config is the digest of the
	// configuration and Layers are those of the layers that are not elsewhere.
	Manifests, Layers []string
	Config            string
	// Index says that it leads to others; Readable that it is an image whose
	// layers can be read.
	Index, Readable bool
	// Size is of configuration and layers, in bytes.
	Size int64
	// OS, Architecture and Author are the configuration's.
	OS, Architecture, Author string
}

// document is the part of a manifest or index that is read.
type document struct {
	Config    *descriptor  `json:"config"`
	Layers    []descriptor `json:"layers"`
	Manifests []descriptor `json:"manifests"`
}

type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
	// URLs are where a layer is that registries need not have.
	URLs     []string `json:"urls"`
	Platform *struct {
		OS           string `json:"os"`
		Architecture string `json:"architecture"`
	} `json:"platform"`
}

// Manifest fetches a manifest by tag or digest, and its configuration.
func (c *Client) Manifest(ctx context.Context, repository, reference string) (*Manifest, error) {
	ref, err := c.reference(repository, reference)
	if err != nil {
		return nil, err
	}
	got, err := remote.Get(ref, c.with(ctx)...)
	if err != nil {
		return nil, Problem(err)
	}
	m, err := ParseManifest(got.Manifest, string(got.MediaType))
	if err != nil || !m.Readable {
		return m, err
	}
	i, err := got.Image()
	if err != nil {
		return nil, Problem(err)
	}
	config, err := i.ConfigFile()
	if err != nil {
		return nil, Problem(err)
	}
	m.Configured(config)
	return m, nil
}

// ParseManifest reads a manifest of a media type, without its configuration.
func ParseManifest(raw []byte, mediaType string) (*Manifest, error) {
	if len(raw) > maxManifest {
		return nil, fmt.Errorf("the manifest has %d bytes, at most %d", len(raw), maxManifest)
	}
	var d document
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	m := &Manifest{Digest: fmt.Sprintf("sha256:%x", sha256.Sum256(raw)), MediaType: mediaType, Raw: raw, Index: types.MediaType(mediaType).IsIndex()}
	if m.Index {
		m.Children = children(d.Manifests)
		for _, c := range d.Manifests {
			m.Manifests = append(m.Manifests, c.Digest)
		}
		return m, nil
	}
	m.describe(&d)
	return m, nil
}

// Configured notes what an image's configuration says.
func (m *Manifest) Configured(config *v1.ConfigFile) {
	m.OS, m.Architecture, m.Author = clip(config.OS), clip(config.Architecture), clip(config.Author)
}

// clip keeps foreign words short.
func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), 256)], "") }

// children are the manifests of an index that are images of a platform.
func children(list []descriptor) (digests []string) {
	for _, d := range list {
		if p := d.Platform; p != nil && p.OS == "unknown" && p.Architecture == "unknown" {
			continue // an attestation
		}
		if len(digests) < maxChildren {
			digests = append(digests, d.Digest)
		}
	}
	return digests
}

// describe reads an image's manifest.
func (m *Manifest) describe(d *document) {
	if d.Config == nil {
		return
	}
	m.Config = d.Config.Digest
	m.ConfigType, m.Size, m.Readable = d.Config.MediaType, d.Config.Size, imageType(m.MediaType) && configType(d.Config.MediaType)
	for _, l := range d.Layers {
		m.Size += max(l.Size, 0)
		if len(l.URLs) == 0 {
			m.Layers = append(m.Layers, l.Digest)
		}
		m.Readable = m.Readable && layerType(l.MediaType)
	}
}

func imageType(t string) bool {
	return t == "application/vnd.oci.image.manifest.v1+json" || t == "application/vnd.docker.distribution.manifest.v2+json"
}

func configType(t string) bool {
	return t == "application/vnd.docker.container.image.v1+json" || t == "application/vnd.oci.image.config.v1+json"
}

// layerType reports whether layers of a media type can be read (scanning
// specification 1.7).
func layerType(t string) bool {
	return slices.Contains([]string{
		"application/vnd.docker.image.rootfs.diff.tar", "application/vnd.docker.image.rootfs.diff.tar.gzip",
		"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "application/vnd.oci.image.layer.v1.tar",
		"application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.oci.image.layer.v1.tar+zstd",
		"application/vnd.oci.image.layer.nondistributable.v1.tar", "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
	}, t)
}

// Problem tells what a registry's answer means: ErrNotFound and ErrDenied wrap
// what says so.
func Problem(err error) error {
	e, ok := errors.AsType[*transport.Error](err)
	if !ok {
		return err
	}
	switch e.StatusCode {
	case http.StatusNotFound:
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: %w", ErrDenied, err)
	}
	return err
}

// bounded ends answers that are longer than any can be. Layers do not come this
// way.
type bounded struct{ through http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.through.RoundTrip(r)
	if err == nil {
		resp.Body = &limitedBody{resp.Body, maxAnswer}
	}
	return resp, err
}

type limitedBody struct {
	io.ReadCloser
	left int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("the registry's answer is longer than %d bytes", int64(maxAnswer))
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
