package image

import (
	"context"
	"fmt"
	"io"
	"net/http"

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
		remote.WithContext(ctx), registry.auth(), remote.WithUserAgent("muster"),
		remote.WithPlatform(v1.Platform{OS: want.OS, Architecture: want.Architecture, Variant: want.Variant}),
	}
	if registry.Transport != nil {
		options = append(options, remote.WithTransport(registry.Transport))
	}
	pulled, err := remote.Image(ref, options...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ref, err)
	}
	return newPulled(pulled)
}

func (r Registry) auth() remote.Option {
	if r.User != "" || r.Password != "" {
		return remote.WithAuth(&authn.Basic{Username: r.User, Password: r.Password})
	}
	return remote.WithAuthFromKeychain(authn.DefaultKeychain)
}

func newPulled(pulled v1.Image) (*Image, error) {
	file, err := pulled.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	list, err := pulled.Layers()
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	switch {
	case len(list) > maxLayers:
		return nil, refuse("%d layers, at most %d", len(list), maxLayers)
	case len(list) != len(file.RootFS.DiffIDs):
		return nil, refuse("the configuration names %d layers, the manifest %d", len(file.RootFS.DiffIDs), len(list))
	}
	i := &Image{OS: file.OS, Architecture: file.Architecture}
	if digest, err := pulled.ConfigName(); err == nil {
		i.Digest = digest.String()
	}
	for n, l := range list {
		i.Layers = append(i.Layers, Layer{DiffID: file.RootFS.DiffIDs[n].String(), Open: func() (io.ReadCloser, error) {
			return fetch(l)
		}})
	}
	return i, nil
}

// fetch streams a layer. What comes is verified at its end, so an error there
// counts, whatever was read before.
func fetch(l v1.Layer) (io.ReadCloser, error) {
	r, err := l.Compressed()
	if err != nil {
		return nil, fmt.Errorf("layer: %w", err)
	}
	return unpack(verified{r})
}

// verified hides everything but reading: a stream cannot be read at any place.
type verified struct{ io.ReadCloser }
