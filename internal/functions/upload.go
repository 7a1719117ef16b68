package functions

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"time"

	"muster/internal/agentwire"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/inventory"
	"muster/internal/scanner"
	"muster/internal/source/zipped"
	"muster/internal/store"
	"muster/internal/store/functions"
)

// Bounds of uploads.
const (
	// partSize is the most bytes of a part; with base64 and the rest of a
	// request it stays below the door's usual bound.
	partSize = 5 << 20
	// maxArchive is the most bytes of an archive, and maxUnpacked of its
	// content, as Lambda's own.
	maxArchive  = 250 << 20
	maxUnpacked = 250 << 20
	// openUploads is how many an owner can have at a time, each for
	// uploadLasts.
	openUploads = 20
	uploadLasts = 24 * time.Hour
)

// CreateUpload begins an upload of an archive in parts.
func (s *Service) CreateUpload(ctx context.Context, call *awsmodel.Call, _ *muster.CreateUploadInput) (*muster.CreateUploadOutput, error) {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	id := "upload-" + hex.EncodeToString(b[:])
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		others, err := functions.AddUpload(ctx, tx, owner(call), id, call.Time.Add(-uploadLasts), call.Time)
		if err == nil && others >= openUploads {
			err = &muster.ServiceQuotaExceededException{Message: fmt.Sprintf("There are %d uploads that were not used; they expire a day after their beginning.", others)}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &muster.CreateUploadOutput{UploadId: id, ExpiresAt: call.Time.Add(uploadLasts), PartSize: partSize, MaxSize: maxArchive}, nil
}

// PutUploadPart stores one part of an upload; numbers begin at 0 and leave none
// out. A part can be sent again.
func (s *Service) PutUploadPart(ctx context.Context, call *awsmodel.Call, in *muster.PutUploadPartInput) (*muster.PutUploadPartOutput, error) {
	if len(in.Data) > partSize {
		return nil, invalid("data", fmt.Sprintf("A part has at most %d bytes.", partSize))
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, call, in.UploadId); err != nil {
			return err
		}
		total, err := functions.PutPart(ctx, tx, owner(call), in.UploadId, int(in.PartNumber), in.Data)
		if err == nil && total > maxArchive {
			err = &muster.ServiceQuotaExceededException{Message: fmt.Sprintf("An archive has at most %d bytes.", maxArchive)}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &muster.PutUploadPartOutput{}, nil
}

// open refuses uploads that are not there or have expired.
func (s *Service) open(ctx context.Context, tx *store.Tx, call *awsmodel.Call, id string) error {
	began, err := functions.UploadBegan(ctx, tx, owner(call), id)
	if errors.Is(err, store.ErrNotFound) || err == nil && call.Time.Sub(began) > uploadLasts {
		return notFound("There is no upload " + id + " in this account and Region, or it has expired.")
	}
	return err
}

// archive is what was read of an upload.
type archive struct {
	// digest is the SHA-256 in base64, as Lambda's CodeSha256.
	digest         string
	content        []byte
	size, packages int64
}

// read reads an upload's archive with what "muster scan" reads archives with.
func (s *Service) read(ctx context.Context, call *awsmodel.Call, id string) (a archive, err error) {
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	case <-ctx.Done():
		return a, ctx.Err()
	}
	dir, err := os.MkdirTemp("", "muster-function-")
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	name := filepath.Join(dir, "function.zip")
	if a.digest, a.size, err = s.assemble(ctx, call, id, name); err != nil {
		return a, err
	}
	if err := checkArchive(name); err != nil {
		return a, err
	}
	inv, err := scanner.ReadZip(ctx, name, dir)
	if err != nil {
		return a, invalid("uploadId", "The archive cannot be read: "+err.Error())
	}
	inv.Sort()
	a.packages = int64(len(inv.Items))
	a.content, err = pack(inv)
	return a, err
}

// assemble writes an upload's parts to a file.
func (s *Service) assemble(ctx context.Context, call *awsmodel.Call, id, name string) (digest string, size int64, err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sum := sha256.New()
	err = s.store.View(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, call, id); err != nil {
			return err
		}
		size, err = writeParts(ctx, tx, owner(call), id, f, sum)
		return err
	})
	return base64.StdEncoding.EncodeToString(sum.Sum(nil)), size, err
}

func writeParts(ctx context.Context, tx *store.Tx, at functions.Owner, id string, f io.Writer, sum hash.Hash) (size int64, err error) {
	parts, err := functions.CountParts(ctx, tx, at, id)
	if err != nil {
		return 0, err
	}
	if parts == 0 {
		return 0, invalid("uploadId", "Nothing was uploaded.")
	}
	for n := range parts {
		data, err := functions.Part(ctx, tx, at, id, n)
		if errors.Is(err, store.ErrNotFound) {
			return 0, invalid("uploadId", fmt.Sprintf("Part %d is missing.", n))
		}
		if err != nil {
			return 0, err
		}
		if _, err := io.MultiWriter(f, sum).Write(data); err != nil {
			return 0, err
		}
		size += int64(len(data))
	}
	return size, nil
}

// checkArchive refuses what is no zip archive, or would unpack to more than
// Lambda takes.
func checkArchive(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	z, err := zipped.Open(f, info.Size())
	if err != nil {
		return invalid("uploadId", "What was uploaded is not a zip archive: "+err.Error())
	}
	var total uint64
	for _, f := range z.File {
		if total += f.UncompressedSize64; total > maxUnpacked || f.UncompressedSize64 > maxUnpacked {
			return invalid("uploadId", fmt.Sprintf("The archive unpacks to more than %d bytes.", maxUnpacked))
		}
	}
	return nil
}

// pack is an inventory as it is stored.
func pack(inv inventory.Inventory) ([]byte, error) {
	body, err := agentwire.EncodeInventory(inv)
	if err != nil {
		return nil, err
	}
	return agentwire.Compress(body), nil
}

func unpack(packed []byte) (inventory.Inventory, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return inventory.Inventory{}, fmt.Errorf("stored inventory of an archive: %w", err)
	}
	return agentwire.DecodeInventory(z, inventory.DefaultLimits())
}

// Tree reads an upload as a folder, for other desks.
func (s *Service) Tree(ctx context.Context, call *awsmodel.Call, id string) (inventory.Inventory, string, error) {
	a, err := s.read(ctx, call, id)
	if err != nil {
		return inventory.Inventory{}, "", err
	}
	inv, err := unpack(a.content)
	return inv, a.digest, err
}

// Used forgets an upload whose content has been taken, in the transaction that
// took it. One that is gone meanwhile was taken by somebody else.
func (s *Service) Used(ctx context.Context, tx *store.Tx, call *awsmodel.Call, id string) error {
	if err := s.open(ctx, tx, call, id); err != nil {
		return err
	}
	return functions.DeleteUpload(ctx, tx, owner(call), id)
}
