package registry

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// Repository is a repository of an account's registry.
type Repository struct {
	Account arn.AccountID
	Region  arn.Region
	Name    string
	// Connection is where its images are, "" for a repository that nobody has
	// pushed to.
	Connection string
	// Remote is its name there.
	Remote    string
	CreatedAt time.Time
	// Settings are those that people give it.
	Settings
}

// Settings are what people decide about a repository.
type Settings struct {
	ScanOnPush bool `json:"scanOnPush,omitempty"`
	// Mutability is ECR's word, "" for MUTABLE; Exclusions are its filters.
	Mutability string   `json:"mutability,omitempty"`
	Exclusions []string `json:"exclusions,omitempty"`
	// Encryption is ECR's word, "" for AES256; Key is a KMS key's ARN.
	Encryption string `json:"encryption,omitempty"`
	Key        string `json:"key,omitempty"`
	Policy     string `json:"policy,omitempty"`
	// Lifecycle is the policy by which images expire, and LifecycleAt when it
	// last acted; Preview is one that is tried out, since PreviewAt.
	Lifecycle   string            `json:"lifecycle,omitempty"`
	LifecycleAt time.Time         `json:"lifecycleAt,omitzero"`
	Preview     string            `json:"preview,omitempty"`
	PreviewAt   time.Time         `json:"previewAt,omitzero"`
	Tags        map[string]string `json:"tags,omitempty"`
}

// ARN names a repository.
func ARN(account arn.AccountID, region arn.Region, name string) arn.ARN {
	return arn.New("ecr", region, account, "repository/"+name)
}

// ARN is the repository's.
func (r *Repository) ARN() arn.ARN { return ARN(r.Account, r.Region, r.Name) }

const repositoryColumns = `account, region, name, connection, remote, created_at, settings`

func scanRepository(s store.Scanner) (r Repository, err error) {
	var created int64
	var settings string
	if err := s.Scan(&r.Account, &r.Region, &r.Name, &r.Connection, &r.Remote, &created, &settings); err != nil {
		return r, err
	}
	r.CreatedAt = store.TimeOrNever(created)
	return r, decode("settings of repository "+r.Name, settings, &r.Settings)
}

// PutRepository stores a repository.
func PutRepository(ctx context.Context, tx *store.Tx, r Repository) error {
	settings, err := encode(r.Settings)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO ecr_repositories (`+repositoryColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (account, region, name) DO UPDATE SET connection = excluded.connection, remote = excluded.remote, settings = excluded.settings`,
		r.Account, r.Region, r.Name, r.Connection, r.Remote, store.MicrosOrNever(r.CreatedAt), settings)
	return err
}

// LookupRepository returns a repository, or store.ErrNotFound.
func LookupRepository(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, name string) (Repository, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+repositoryColumns+` FROM ecr_repositories
		WHERE account = $1 AND region = $2 AND name = $3`, account, region, name), scanRepository)
}

// Repositories lists up to limit repositories by name, after the one given.
func Repositories(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, after string, limit int) ([]Repository, error) {
	rows, err := tx.Query(ctx, `SELECT `+repositoryColumns+` FROM ecr_repositories
		WHERE account = $1 AND region = $2 AND name > $3 ORDER BY name LIMIT $4`, account, region, after, limit)
	return store.ReadAll(rows, err, scanRepository)
}

// RepositoriesAt lists up to limit repositories of a connection, after the
// name given.
func RepositoriesAt(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, connection, after string, limit int) ([]Repository, error) {
	rows, err := tx.Query(ctx, `SELECT `+repositoryColumns+` FROM ecr_repositories
		WHERE account = $1 AND region = $2 AND connection = $3 AND name > $4 ORDER BY name LIMIT $5`, account, region, connection, after, limit)
	return store.ReadAll(rows, err, scanRepository)
}

// DeleteRepository forgets a repository; its images must have gone.
func DeleteRepository(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, name string) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM ecr_repositories WHERE account = $1 AND region = $2 AND name = $3`, account, region, name))
}
