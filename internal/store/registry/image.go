package registry

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// Kind is what a manifest is.
type Kind string

// The kinds of manifests.
const (
	// Image manifests are of one platform's container image.
	Image Kind = "IMAGE"
	// Index manifests lead to images of several platforms.
	Index Kind = "INDEX"
	// Artifact manifests are of something else: charts, signatures, or images
	// of media types that nobody can read.
	Artifact Kind = "ARTIFACT"
)

// Key names a manifest in a repository.
type Key struct {
	Account    arn.AccountID
	Region     arn.Region
	Repository string
	Digest     string
}

// ARN is the ARN by which findings and coverage name an image.
func (k Key) ARN() arn.ARN { return ARN(k.Account, k.Region, k.Repository) + "/" + arn.ARN(k.Digest) }

// Entry is a manifest that was pushed to a repository.
type Entry struct {
	Key
	Kind Kind
	// MediaType is the manifest's, ConfigType that of its configuration.
	MediaType, ConfigType string
	Manifest              string
	// Size is of configuration and layers as they are stored, in bytes.
	Size int64
	// Details are what a configuration says.
	Details
	PushedAt time.Time
	// ArchivedAt is when it was archived, zero while it is not; ActivatedAt is
	// when it was taken out of the archive, zero for never.
	ArchivedAt, ActivatedAt time.Time
	// PulledAt and UsedAt are zero for never; Uses is how many units run it.
	PulledAt, UsedAt time.Time
	Uses             int64
	// LapsedAt is when the last window in which it is scanned again closed,
	// zero while one is open.
	LapsedAt time.Time
	// Problem is the reason, in Inspector's words, why its content could not
	// be read; "" where it was or nobody has tried.
	Problem string
	// Tags are in order; only Tagged and OfRepository fill them.
	Tags []string
}

// Details are what an image's configuration says.
type Details struct {
	OS           string `json:"os,omitempty"`
	Architecture string `json:"architecture,omitempty"`
	Author       string `json:"author,omitempty"`
}

const entryColumns = `account, region, repository, digest, kind, media_type, config_type, manifest, size, details, pushed_at, pulled_at, used_at, uses, lapsed_at, problem, archived_at, activated_at`

func scanEntry(s store.Scanner) (e Entry, err error) {
	var details string
	var pushed, pulled, used, lapsed, archived, activated int64
	err = s.Scan(&e.Account, &e.Region, &e.Repository, &e.Digest, &e.Kind, &e.MediaType, &e.ConfigType, &e.Manifest, &e.Size, &details,
		&pushed, &pulled, &used, &e.Uses, &lapsed, &e.Problem, &archived, &activated)
	if err != nil {
		return e, err
	}
	e.PushedAt, e.PulledAt, e.UsedAt, e.LapsedAt = store.TimeOrNever(pushed), store.TimeOrNever(pulled), store.TimeOrNever(used), store.TimeOrNever(lapsed)
	e.ArchivedAt, e.ActivatedAt = store.TimeOrNever(archived), store.TimeOrNever(activated)
	return e, decode("details of image "+e.Digest, details, &e.Details)
}

// Put stores a manifest, all but its tags.
func Put(ctx context.Context, tx *store.Tx, e *Entry) error {
	details, err := encode(e.Details)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO ecr_images (`+entryColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
		ON CONFLICT (account, region, repository, digest) DO UPDATE SET kind = excluded.kind, media_type = excluded.media_type,
			config_type = excluded.config_type, manifest = excluded.manifest, size = excluded.size, details = excluded.details,
			pushed_at = excluded.pushed_at, pulled_at = excluded.pulled_at, used_at = excluded.used_at, uses = excluded.uses,
			lapsed_at = excluded.lapsed_at, problem = excluded.problem, archived_at = excluded.archived_at, activated_at = excluded.activated_at`,
		e.Account, e.Region, e.Repository, e.Digest, e.Kind, e.MediaType, e.ConfigType, e.Manifest, e.Size, details,
		store.MicrosOrNever(e.PushedAt), store.MicrosOrNever(e.PulledAt), store.MicrosOrNever(e.UsedAt), e.Uses, store.MicrosOrNever(e.LapsedAt), e.Problem,
		store.MicrosOrNever(e.ArchivedAt), store.MicrosOrNever(e.ActivatedAt))
	return err
}

// Lapsed notes when the windows of an image closed, zero that one is open.
func Lapsed(ctx context.Context, tx *store.Tx, k Key, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE ecr_images SET lapsed_at = $5 WHERE account = $1 AND region = $2 AND repository = $3 AND digest = $4`,
		k.Account, k.Region, k.Repository, k.Digest, store.MicrosOrNever(at))
	return err
}

// Lookup returns a manifest with its tags, or store.ErrNotFound.
func Lookup(ctx context.Context, tx *store.Tx, k Key) (Entry, error) {
	e, err := store.ReadOne(tx.QueryRow(ctx, `SELECT `+entryColumns+` FROM ecr_images
		WHERE account = $1 AND region = $2 AND repository = $3 AND digest = $4`, k.Account, k.Region, k.Repository, k.Digest), scanEntry)
	if err == nil {
		e.Tags, err = TagsOf(ctx, tx, k)
	}
	return e, err
}

// Page lists up to limit manifests of a repository with their tags, by digest
// after the one given.
func Page(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, repository, after string, limit int) ([]Entry, error) {
	rows, err := tx.Query(ctx, `SELECT `+entryColumns+` FROM ecr_images
		WHERE account = $1 AND region = $2 AND repository = $3 AND digest > $4 ORDER BY digest LIMIT $5`, account, region, repository, after, limit)
	list, err := store.ReadAll(rows, err, scanEntry)
	if err != nil || len(list) == 0 {
		return list, err
	}
	tags, err := tagsBetween(ctx, tx, account, region, repository, list[0].Digest, list[len(list)-1].Digest)
	for i := range list {
		list[i].Tags = tags[list[i].Digest]
	}
	return list, err
}

// WithDigest lists the manifests of an account that have a digest, in any of
// its repositories, up to limit.
func WithDigest(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, digest string, limit int) ([]Entry, error) {
	rows, err := tx.Query(ctx, `SELECT `+entryColumns+` FROM ecr_images
		WHERE account = $1 AND region = $2 AND digest = $3 ORDER BY repository LIMIT $4`, account, region, digest, limit)
	return store.ReadAll(rows, err, scanEntry)
}

// Keys lists up to limit manifests of an account in a Region, after the one
// given.
func Keys(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, after Key, limit int) ([]Key, error) {
	rows, err := tx.Query(ctx, `SELECT repository, digest FROM ecr_images
		WHERE account = $1 AND region = $2 AND (repository, digest) > ($3, $4) ORDER BY repository, digest LIMIT $5`,
		account, region, after.Repository, after.Digest, limit)
	return store.ReadAll(rows, err, func(s store.Scanner) (Key, error) {
		k := Key{Account: account, Region: region}
		err := s.Scan(&k.Repository, &k.Digest)
		return k, err
	})
}

// Delete forgets a manifest and its tags.
func Delete(ctx context.Context, tx *store.Tx, k Key) error {
	for _, table := range []string{"ecr_image_tags", "ecr_images"} {
		_, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE account = $1 AND region = $2 AND repository = $3 AND digest = $4`,
			k.Account, k.Region, k.Repository, k.Digest)
		if err != nil {
			return err
		}
	}
	return nil
}

// TagsOf are the tags of a manifest, in order.
func TagsOf(ctx context.Context, tx *store.Tx, k Key) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT tag FROM ecr_image_tags
		WHERE account = $1 AND region = $2 AND repository = $3 AND digest = $4 ORDER BY tag`, k.Account, k.Region, k.Repository, k.Digest)
	return store.ReadAll(rows, err, store.ScanText)
}

func tagsBetween(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, repository, from, to string) (map[string][]string, error) {
	rows, err := tx.Query(ctx, `SELECT digest, tag FROM ecr_image_tags
		WHERE account = $1 AND region = $2 AND repository = $3 AND digest >= $4 AND digest <= $5 ORDER BY digest, tag`, account, region, repository, from, to)
	tags := map[string][]string{}
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (struct{}, error) {
		var digest, tag string
		err := s.Scan(&digest, &tag)
		tags[digest] = append(tags[digest], tag)
		return struct{}{}, err
	})
	return tags, err
}

// Tagged returns the digest that a tag points at, or store.ErrNotFound.
func Tagged(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, repository, tag string) (string, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT digest FROM ecr_image_tags
		WHERE account = $1 AND region = $2 AND repository = $3 AND tag = $4`, account, region, repository, tag), store.ScanText)
}

// Tag points a tag at a manifest.
func Tag(ctx context.Context, tx *store.Tx, k Key, tag string) error {
	_, err := tx.Exec(ctx, `INSERT INTO ecr_image_tags (account, region, repository, tag, digest) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account, region, repository, tag) DO UPDATE SET digest = excluded.digest`, k.Account, k.Region, k.Repository, tag, k.Digest)
	return err
}

// Untag removes a tag.
func Untag(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, repository, tag string) error {
	_, err := tx.Exec(ctx, `DELETE FROM ecr_image_tags WHERE account = $1 AND region = $2 AND repository = $3 AND tag = $4`, account, region, repository, tag)
	return err
}

// TagNames lists up to limit tags of a repository by name, after the one given.
func TagNames(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, repository, after string, limit int) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT tag FROM ecr_image_tags
		WHERE account = $1 AND region = $2 AND repository = $3 AND tag > $4 ORDER BY tag LIMIT $5`, account, region, repository, after, limit)
	return store.ReadAll(rows, err, store.ScanText)
}
