package registry

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// Use is where an image runs: the units of one workload, or of one task
// definition, in a cluster.
type Use struct {
	Digest  string
	Cluster arn.ARN
	// Group is the namespace of Kubernetes, or the group of ECS.
	Group string
	// Kind and Workload name the workload of Kubernetes; Kind is "" and
	// Workload the ARN of the task definition in ECS.
	Kind, Workload   string
	Running, Stopped int64
	UsedAt           time.Time
}

const useColumns = `digest, cluster, grp, kind, workload, running, stopped, used_at`

func scanUse(s store.Scanner) (u Use, err error) {
	var used int64
	err = s.Scan(&u.Digest, &u.Cluster, &u.Group, &u.Kind, &u.Workload, &u.Running, &u.Stopped, &used)
	u.UsedAt = store.TimeOrNever(used)
	return u, err
}

// PutUses notes where images run.
func PutUses(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, list []Use) error {
	rows := make([][]any, len(list))
	for i, u := range list {
		rows[i] = []any{string(account), string(region), u.Digest, string(u.Cluster), u.Group, u.Kind, u.Workload, u.Running, u.Stopped, store.MicrosOrNever(u.UsedAt)}
	}
	_, err := tx.InsertRows(ctx, "ecr_image_uses", []string{"account", "region", "digest", "cluster", "grp", "kind", "workload", "running", "stopped", "used_at"}, rows,
		`ON CONFLICT (account, region, digest, cluster, grp, kind, workload) DO UPDATE SET running = excluded.running, stopped = excluded.stopped, used_at = excluded.used_at`)
	return err
}

// UsesIn lists the uses in a cluster, by image and workload.
func UsesIn(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, cluster arn.ARN) ([]Use, error) {
	rows, err := tx.Query(ctx, `SELECT `+useColumns+` FROM ecr_image_uses
		WHERE account = $1 AND region = $2 AND cluster = $3 ORDER BY digest, grp, kind, workload`, account, region, cluster)
	return store.ReadAll(rows, err, scanUse)
}

// UsesOf lists the uses of an image, by cluster and workload.
func UsesOf(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, digest string) ([]Use, error) {
	rows, err := tx.Query(ctx, `SELECT `+useColumns+` FROM ecr_image_uses
		WHERE account = $1 AND region = $2 AND digest = $3 ORDER BY cluster, grp, kind, workload`, account, region, digest)
	return store.ReadAll(rows, err, scanUse)
}

// ForgetUses drops uses in a cluster that were last seen before a time.
func ForgetUses(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, cluster arn.ARN, before time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM ecr_image_uses WHERE account = $1 AND region = $2 AND cluster = $3 AND used_at < $4`,
		account, region, cluster, store.MicrosOrNever(before))
	return err
}
