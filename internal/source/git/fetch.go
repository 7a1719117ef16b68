package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"muster/internal/source/layers"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// heldInMemory is how large an object may be to be read at once; larger ones
// are read as streams.
const heldInMemory = 1 << 20

// cacheSize bounds the unpacked objects that are remembered, in bytes.
const cacheSize = 64 << 20

// leftOut is the size in MiB from which servers that can leave files away do.
const leftOut = 64

// Apply fetches a commit and puts its files on the tree; ref is the branch, ""
// for the default one, or a full name such as refs/merge-requests/1/head. It
// returns the commit that it found there. temp is the folder for temporary
// files, "" for the system's.
func (r *Remote) Apply(ctx context.Context, tree *layers.Tree, ref, temp string) (_ Ref, err error) {
	refs, base, err := r.advertised(ctx)
	if err != nil {
		return Ref{}, err
	}
	at, err := resolve(refs, ref)
	if err != nil {
		return Ref{}, err
	}
	dir, err := os.MkdirTemp(temp, "muster-git-")
	if err != nil {
		return at, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := r.fetch(ctx, refs, base, at.Commit, dir); err != nil {
		return at, fmt.Errorf("fetch %s: %w", at.Name, err)
	}
	return at, r.unpack(ctx, tree, dir, at.Commit)
}

// resolve finds a branch, or a reference by its full name.
func resolve(refs *packp.AdvRefs, ref string) (Ref, error) {
	if h, ok := refs.References[ref]; ok && ref != "" {
		return Ref{ref, h.String()}, nil
	}
	return head(refs, ref)
}

// packName is where a pack is kept on its way.
const packName = "/incoming.pack"

// fetch writes a commit's objects to a file.
func (r *Remote) fetch(ctx context.Context, refs *packp.AdvRefs, base, commit, dir string) (err error) {
	req := request(refs.Capabilities, commit)
	body, err := encode(req)
	if err != nil {
		return err
	}
	res, err := r.do(ctx, http.MethodPost, base+"/git-upload-pack", body)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	limits := r.limits()
	in := io.LimitReader(res.Body, limits.Pack+limits.Pack/8+1<<20) // with the frames around it and remarks between
	answer := packp.NewUploadPackResponse(req)
	if err := answer.Decode(io.NopCloser(in)); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	var pack io.Reader = answer
	switch caps := req.Capabilities; {
	case caps.Supports(capability.Sideband64k):
		pack = sideband.NewDemuxer(sideband.Sideband64k, answer)
	case caps.Supports(capability.Sideband):
		pack = sideband.NewDemuxer(sideband.Sideband, answer)
	}
	return save(dir+packName, pack, limits.Pack)
}

// request asks for one commit without its history, and without very large
// files where the server can leave them away.
func request(offered *capability.List, commit string) *packp.UploadPackRequest {
	req := packp.NewUploadPackRequestFromCapabilities(offered)
	req.Wants = []plumbing.Hash{plumbing.NewHash(commit)}
	if offered.Supports(capability.Shallow) {
		req.Depth = packp.DepthCommits(1)
		_ = req.Capabilities.Set(capability.Shallow) // only capabilities with arguments can fail
	}
	if offered.Supports(capability.Filter) {
		req.Filter = packp.FilterBlobLimit(leftOut, packp.BlobLimitPrefixMebi)
		_ = req.Capabilities.Set(capability.Filter)
	}
	return req
}

func save(name string, in io.Reader, limit int64) (err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	n, err := io.Copy(f, io.LimitReader(in, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("%w: more than %d bytes", ErrLimit, limit)
	}
	return err
}

func (r *Remote) limits() Limits {
	if r.Limits == (Limits{}) {
		return DefaultLimits()
	}
	return r.Limits
}

// unpack puts the files of a fetched commit on the tree.
func (r *Remote) unpack(ctx context.Context, tree *layers.Tree, dir, commit string) (err error) {
	f, err := os.Open(dir + packName)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := guarded(func() error { return check(ctx, f, r.limits()) }); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	objects := filesystem.NewStorageWithOptions(osfs.New(dir), cache.NewObjectLRU(cacheSize), filesystem.Options{LargeObjectThreshold: heldInMemory})
	defer func() { err = errors.Join(err, objects.Close()) }()
	if err := guarded(func() error { return packfile.UpdateObjectStorage(objects, f) }); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return guarded(func() error {
		c, err := object.GetCommit(objects, plumbing.NewHash(commit))
		if err != nil {
			return fmt.Errorf("commit %s: %w", commit, err)
		}
		return (&applier{tree: tree, objects: objects}).apply(ctx, c.TreeHash)
	})
}

// guarded makes an error of a panic in what reads foreign objects.
func guarded(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged objects: %v", p)
		}
	}()
	return do()
}
