package distribution

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	api "muster/internal/awsmodel/ecr"
	"muster/internal/registry/hosted"
)

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// blob answers for one blob of a repository.
func (v *visit) blob(digest string) error {
	if !digestForm.MatchString(digest) {
		return errDigestQuery
	}
	switch v.r.Method {
	case http.MethodHead:
		in := &api.BatchCheckLayerAvailabilityInput{RepositoryName: v.at.Name, LayerDigests: []string{digest}}
		return v.may("BatchCheckLayerAvailability", in, func(ctx context.Context) error { return v.download(ctx, digest) })
	case http.MethodGet:
		in := &api.GetDownloadUrlForLayerInput{RepositoryName: v.at.Name, LayerDigest: digest}
		return v.may("GetDownloadUrlForLayer", in, func(ctx context.Context) error { return v.download(ctx, digest) })
	}
	return errMethod
}

// download sends a blob, or the part of it that was asked for.
func (v *visit) download(ctx context.Context, digest string) error {
	b, err := v.door.config.Hosted.Blob(ctx, v.at, digest)
	if err != nil {
		return err
	}
	return v.carry(func() error {
		h := v.w.Header()
		h.Set("Docker-Content-Digest", digest)
		h.Set("Content-Type", "application/octet-stream")
		h.Set("ETag", `"`+digest+`"`)
		http.ServeContent(v.w, v.r, "", time.Time{}, b.Open(ctx))
		return nil
	})
}

// uploads answers for uploads; id is "" for the beginning of one.
func (v *visit) uploads(id string) error {
	switch {
	case v.r.Method == http.MethodPost && id == "":
		return v.begin()
	case id == "":
		return errMethod
	}
	switch v.r.Method {
	case http.MethodGet:
		in := &api.UploadLayerPartInput{RepositoryName: v.at.Name, UploadId: id}
		return v.may("UploadLayerPart", in, func(ctx context.Context) error {
			size, err := v.door.config.Hosted.Size(ctx, v.at, id)
			if err == nil {
				v.progress(id, size, http.StatusNoContent)
			}
			return err
		})
	case http.MethodPatch:
		return v.patch(id)
	case http.MethodPut:
		return v.complete(id)
	case http.MethodDelete:
		in := &api.UploadLayerPartInput{RepositoryName: v.at.Name, UploadId: id}
		return v.may("UploadLayerPart", in, func(ctx context.Context) error {
			err := v.door.config.Hosted.Cancel(ctx, v.at, id)
			if err == nil {
				v.w.WriteHeader(http.StatusNoContent)
			}
			return err
		})
	}
	return errMethod
}

// begin begins an upload, mounts a blob of another repository, or takes a blob
// in one request.
func (v *visit) begin() error {
	q := v.r.URL.Query()
	if digest, from := q.Get("mount"), q.Get("from"); digestForm.MatchString(digest) && from != "" && v.mount(digest, from) == nil {
		return nil
	}
	digest := q.Get("digest")
	if digest != "" && !digestForm.MatchString(digest) {
		return errDigestQuery
	}
	return v.may("InitiateLayerUpload", &api.InitiateLayerUploadInput{RepositoryName: v.at.Name}, func(ctx context.Context) error {
		id, err := v.door.config.Hosted.Begin(ctx, v.at)
		if err != nil {
			return err
		}
		if digest != "" {
			return v.complete(id)
		}
		v.progress(id, 0, http.StatusAccepted)
		return nil
	})
}

// mount takes a blob from another repository that the caller may read. Where it
// cannot, an upload begins instead.
func (v *visit) mount(digest, from string) error {
	return v.may("GetDownloadUrlForLayer", &api.GetDownloadUrlForLayerInput{RepositoryName: from, LayerDigest: digest}, func(ctx context.Context) error {
		in := &api.CompleteLayerUploadInput{RepositoryName: v.at.Name, LayerDigests: []string{digest}}
		return v.may("CompleteLayerUpload", in, func(ctx context.Context) error {
			if err := v.door.config.Hosted.Mount(ctx, v.at, from, digest); err != nil {
				return err
			}
			v.created("/blobs/", digest)
			return nil
		})
	})
}

// created says where what was made is.
func (v *visit) created(kind, digest string) {
	v.w.Header().Set("Location", Prefix+v.at.Name+kind+digest)
	v.w.Header().Set("Docker-Content-Digest", digest)
	v.w.WriteHeader(http.StatusCreated)
}

// progress says where an upload goes on, and how much has come.
func (v *visit) progress(id string, size int64, status int) {
	h := v.w.Header()
	h.Set("Location", Prefix+v.at.Name+"/blobs/uploads/"+id)
	h.Set("Docker-Upload-UUID", id)
	h.Set("Range", fmt.Sprintf("0-%d", max(size-1, 0)))
	v.w.WriteHeader(status)
}

// beginning is where the content of a request begins, -1 where it does not say.
func beginning(r *http.Request) (int64, error) {
	text := r.Header.Get("Content-Range")
	if text == "" {
		return -1, nil
	}
	first, last, ok := strings.Cut(strings.TrimPrefix(text, "bytes "), "-")
	a, wrong := strconv.ParseInt(first, 10, 64)
	b, wrongToo := strconv.ParseInt(strings.SplitN(last, "/", 2)[0], 10, 64)
	if !ok || wrong != nil || wrongToo != nil || a < 0 || b < a-1 || r.ContentLength >= 0 && b-a+1 != r.ContentLength {
		return 0, hosted.ErrRange
	}
	return a, nil
}

func (v *visit) patch(id string) error {
	from, err := beginning(v.r)
	if err != nil {
		return err
	}
	in := &api.UploadLayerPartInput{RepositoryName: v.at.Name, UploadId: id}
	return v.may("UploadLayerPart", in, func(ctx context.Context) error {
		return v.carry(func() error {
			size, err := v.door.config.Hosted.Append(ctx, v.at, id, from, v.r.Body)
			if err == nil {
				v.progress(id, size, http.StatusAccepted)
			}
			return err
		})
	})
}

// complete takes what may still come, and makes the upload a blob.
func (v *visit) complete(id string) error {
	digest := v.r.URL.Query().Get("digest")
	if !digestForm.MatchString(digest) {
		return errDigestQuery
	}
	from, err := beginning(v.r)
	if err != nil {
		return err
	}
	in := &api.CompleteLayerUploadInput{RepositoryName: v.at.Name, UploadId: id, LayerDigests: []string{digest}}
	return v.may("CompleteLayerUpload", in, func(ctx context.Context) error {
		return v.carry(func() error {
			if _, err := v.door.config.Hosted.Append(ctx, v.at, id, from, v.r.Body); err != nil {
				return err
			}
			if err := v.door.config.Hosted.Complete(ctx, v.at, id, digest); err != nil {
				return err
			}
			v.created("/blobs/", digest)
			return nil
		})
	})
}
