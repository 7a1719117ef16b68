package image

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Registry says how registries are reached.
type Registry struct {
	// Insecure allows plain HTTP to any registry; loopback is always allowed.
	Insecure bool
	// User and Password are the credentials; without them those of the user's
	// docker configuration count, and without such a visit is anonymous.
	User, Password string
	// Anonymous keeps the user's docker configuration out of it.
	Anonymous bool
	// Transport does the requests; nil means the default one.
	Transport http.RoundTripper
}

// Pull opens an image of a registry by reference ("debian:12",
// "registry.example/app@sha256:…"). Layers are fetched when they are opened,
// each once, and verified against their digests.
func Pull(ctx context.Context, reference string, want Platform, registry Registry) (*Image, error) {
	var parsing []name.Option
	if registry.Insecure {
		parsing = append(parsing, name.Insecure)
	}
	ref, err := name.ParseReference(reference, parsing...)
	if err != nil {
		return nil, fmt.Errorf("image reference: %w", err)
	}
	options := []remote.Option{
		remote.WithContext(ctx), registry.auth(), remote.WithUserAgent("muster"), remote.WithTransport(FewRedirects(registry.Transport)),
	}
	found, err := remote.Get(ref, options...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ref, err)
	}
	s := &registrySearch{want: want}
	i, err := s.start(found)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", ref, err)
	case i == nil:
		return nil, refuse("%s has no image for %s, only for %s", ref, want, strings.Join(s.other, ", "))
	}
	return i, nil
}

// registrySearch looks for the image of a platform in the indexes of a
// registry, which may lead to further ones.
type registrySearch struct {
	want  Platform
	read  int
	other []string
}

// start looks at what a reference names. What is no index is taken, whatever
// its platform: nothing else was asked for.
func (s *registrySearch) start(found *remote.Descriptor) (*Image, error) {
	if found.MediaType.IsIndex() {
		index, err := found.ImageIndex()
		if err != nil {
			return nil, err
		}
		return s.index(index, 0)
	}
	pulled, err := found.Image()
	if err != nil {
		return nil, err
	}
	return newPulled(pulled)
}

// index is nil without an error where there is no image for the platform.
func (s *registrySearch) index(index v1.ImageIndex, depth int) (*Image, error) {
	const maxDepth, maxRead = 5, 200
	if s.read++; depth > maxDepth || s.read > maxRead {
		return nil, refuse("indexes nested deeper than %d, or more than %d of them", maxDepth, maxRead)
	}
	m, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	list := make([]descriptor, len(m.Manifests))
	hashes := map[string]v1.Descriptor{}
	for n, d := range m.Manifests {
		list[n] = descriptor{Digest: d.Digest.String()}
		if d.Platform != nil {
			list[n].Platform = &platform{d.Platform.OS, d.Platform.Architecture, d.Platform.Variant}
		}
		hashes[list[n].Digest] = d
	}
	for _, d := range fitting(list, s.want, &s.other) {
		if i, err := s.follow(index, hashes[d.Digest], depth); err != nil || i != nil {
			return i, err
		}
	}
	return nil, nil
}

// follow goes on to an index or image. Where nobody has said an image's
// platform, its configuration does.
func (s *registrySearch) follow(index v1.ImageIndex, d v1.Descriptor, depth int) (*Image, error) {
	if d.MediaType.IsIndex() {
		next, err := index.ImageIndex(d.Digest)
		if err != nil {
			return nil, err
		}
		return s.index(next, depth+1)
	}
	pulled, err := index.Image(d.Digest)
	if err != nil {
		return nil, err
	}
	i, err := newPulled(pulled)
	if err != nil {
		return nil, err
	}
	if d.Platform == nil && i.OS != "" && (i.OS != s.want.OS || i.Architecture != s.want.Architecture) {
		s.other = append(s.other, Platform{OS: i.OS, Architecture: i.Architecture}.String())
		return nil, nil
	}
	return i, nil
}

func (r Registry) auth() remote.Option {
	if r.User != "" || r.Password != "" {
		return remote.WithAuth(&authn.Basic{Username: r.User, Password: r.Password})
	}
	if r.Anonymous {
		return remote.WithAuth(authn.Anonymous)
	}
	return remote.WithAuthFromKeychain(authn.DefaultKeychain)
}

func newPulled(pulled v1.Image) (*Image, error) {
	m, err := pulled.Manifest()
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	if err := imageConfig(string(m.Config.MediaType)); err != nil {
		return nil, err
	}
	if m.Config.Size < 0 || m.Config.Size > maxDocument { // it would be read as far as it says
		return nil, refuse("a configuration of %d bytes, at most %d", m.Config.Size, maxDocument)
	}
	raw, err := pulled.RawConfigFile()
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	var c config
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, refuse("configuration: %v", err)
	}
	i, err := c.image(len(m.Layers))
	if err != nil {
		return nil, err
	}
	i.Digest = m.Config.Digest.String()
	for n, d := range m.Layers {
		b := blob{elsewhere: elsewhere(string(d.MediaType), d.URLs), encrypted: encrypted(string(d.MediaType))}
		if err := i.add(c.RootFS.DiffIDs[n], b, func() (io.ReadCloser, error) {
			l, err := pulled.LayerByDigest(d.Digest)
			if err != nil {
				return nil, fmt.Errorf("layer %d: %w", n+1, err)
			}
			return fetch(l, &i.unpacked)
		}); err != nil {
			return nil, err
		}
	}
	return i, nil
}

// fetch streams a layer. What comes is verified at its end, so an error there
// counts, whatever was read before.
func fetch(l v1.Layer, b *budget) (io.ReadCloser, error) {
	r, err := l.Compressed()
	if err != nil {
		return nil, fmt.Errorf("layer: %w", err)
	}
	return unpack(verified{r}, b)
}

// verified hides everything but reading: a stream cannot be read at any place.
type verified struct{ io.ReadCloser }
