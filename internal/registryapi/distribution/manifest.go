package distribution

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	api "muster/internal/awsmodel/ecr"
	"muster/internal/source/registry"
)

// manifest answers for an image by tag or digest.
func (v *visit) manifest(reference string) error {
	tag, digest := reference, ""
	if digestForm.MatchString(reference) {
		tag, digest = "", reference
	}
	id := api.ImageIdentifier{}
	if tag != "" {
		id.ImageTag = new(tag)
	} else {
		id.ImageDigest = new(digest)
	}
	switch v.r.Method {
	case http.MethodGet, http.MethodHead:
		in := &api.BatchGetImageInput{RepositoryName: v.at.Name, ImageIds: []api.ImageIdentifier{id}}
		return v.may("BatchGetImage", in, func(ctx context.Context) error { return v.show(ctx, reference) })
	case http.MethodPut:
		return v.push(tag, digest)
	case http.MethodDelete:
		in := &api.BatchDeleteImageInput{RepositoryName: v.at.Name, ImageIds: []api.ImageIdentifier{id}}
		return v.may("BatchDeleteImage", in, func(ctx context.Context) error {
			err := v.door.config.Hosted.Delete(ctx, v.at, reference)
			if err == nil {
				v.w.WriteHeader(http.StatusAccepted)
			}
			return err
		})
	}
	return errMethod
}

func (v *visit) show(ctx context.Context, reference string) error {
	// muster's own pulls, and looks, count for nobody.
	pull := v.r.Method == http.MethodGet && !strings.HasPrefix(v.r.UserAgent(), registry.UserAgent+"/")
	e, err := v.door.config.Hosted.Manifest(ctx, v.at, reference, pull)
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", e.MediaType)
	h.Set("Docker-Content-Digest", e.Digest)
	h.Set("ETag", `"`+e.Digest+`"`)
	h.Set("Content-Length", strconv.Itoa(len(e.Manifest)))
	if v.r.Method == http.MethodGet {
		_, _ = io.WriteString(v.w, e.Manifest)
	}
	return nil
}

// push stores a manifest.
func (v *visit) push(tag, digest string) error {
	return v.carry(func() error {
		body, err := io.ReadAll(http.MaxBytesReader(v.w, v.r.Body, maxManifest))
		if err != nil {
			if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
				return &problem{http.StatusRequestEntityTooLarge, "SIZE_INVALID", fmt.Sprintf("a manifest has at most %d bytes", maxManifest)}
			}
			return err
		}
		mediaType, _, _ := strings.Cut(v.r.Header.Get("Content-Type"), ";")
		in := &api.PutImageInput{RepositoryName: v.at.Name, ImageManifest: string(body), ImageManifestMediaType: new(mediaType)}
		if tag != "" {
			in.ImageTag = new(tag)
		}
		return v.may("PutImage", in, func(ctx context.Context) error {
			e, _, err := v.door.config.Hosted.PutManifest(ctx, v.at, tag, digest, strings.TrimSpace(mediaType), body)
			if err != nil {
				return err
			}
			v.created("/manifests/", e.Digest)
			return nil
		})
	})
}

// Sizes of pages of tags.
const mostTags = 1000

// tags lists the tags of a repository.
func (v *visit) tags(rest string) error {
	if rest != "" {
		return errPath
	}
	if v.r.Method != http.MethodGet {
		return errMethod
	}
	q, limit := v.r.URL.Query(), mostTags
	if text := q.Get("n"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return &problem{http.StatusBadRequest, "PAGINATION_NUMBER_INVALID", "n is no number"}
		}
		limit = min(n, mostTags)
	}
	return v.may("ListImages", &api.ListImagesInput{RepositoryName: v.at.Name}, func(ctx context.Context) error {
		list, err := v.door.config.Hosted.Tags(ctx, v.at, q.Get("last"), limit+1)
		if err != nil {
			return err
		}
		if len(list) > limit {
			list = list[:limit]
			if limit > 0 {
				next := url.Values{"n": {strconv.Itoa(limit)}, "last": {list[limit-1]}}
				v.w.Header().Set("Link", fmt.Sprintf(`<%s%s/tags/list?%s>; rel="next"`, Prefix, v.at.Name, next.Encode()))
			}
		}
		v.w.Header().Set("Content-Type", "application/json")
		return json.NewEncoder(v.w).Encode(map[string]any{"name": v.at.Name, "tags": append([]string{}, list...)})
	})
}
