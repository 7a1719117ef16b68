package identity

import (
	"context"
	"database/sql"

	"muster/internal/arn"
	"muster/internal/store"
)

// Owner is an entity that carries policies, keys or tags: the account and the
// unique id of a user, group or role.
type Owner struct {
	Account arn.AccountID
	ID      string
}

// Owner is the user as a bearer of policies, keys and tags.
func (u User) Owner() Owner { return Owner{u.Account, u.ID} }

// Owner is the group as a bearer of policies.
func (g Group) Owner() Owner { return Owner{g.Account, g.ID} }

// Owner is the role as a bearer of policies and tags.
func (r Role) Owner() Owner { return Owner{r.Account, r.ID} }

// Owner is the policy as a bearer of tags.
func (p Policy) Owner() Owner { return Owner{p.Account, p.ID} }

// PutInline stores an inline policy, replacing one of the same name.
func PutInline(ctx context.Context, tx *store.Tx, o Owner, name, document string) error {
	_, err := tx.Exec(ctx, `INSERT INTO iam_inline_policies (account, owner, name, document) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account, owner, name) DO UPDATE SET document = excluded.document`, o.Account, o.ID, name, document)
	return err
}

// Inline returns the document of an inline policy.
func Inline(ctx context.Context, tx *store.Tx, o Owner, name string) (document string, err error) {
	err = store.One(tx.QueryRow(ctx, `SELECT document FROM iam_inline_policies WHERE account = $1 AND owner = $2 AND name = $3`,
		o.Account, o.ID, name), &document)
	return document, err
}

// InlineNames lists up to limit names of inline policies.
func InlineNames(ctx context.Context, tx *store.Tx, o Owner, after string, limit int) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT name FROM iam_inline_policies
		WHERE account = $1 AND owner = $2 AND name > $3 ORDER BY name LIMIT $4`, o.Account, o.ID, after, limit)
	return store.All(rows, err, store.Text)
}

// InlineSize is the length of the other inline policies' documents together,
// for the quota.
func InlineSize(ctx context.Context, tx *store.Tx, o Owner, except string) (int, error) {
	var n int
	err := store.One(tx.QueryRow(ctx, `SELECT CAST(coalesce(sum(length(document)), 0) AS BIGINT) FROM iam_inline_policies
		WHERE account = $1 AND owner = $2 AND name <> $3`, o.Account, o.ID, except), &n)
	return n, err
}

// DeleteInline removes an inline policy.
func DeleteInline(ctx context.Context, tx *store.Tx, o Owner, name string) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM iam_inline_policies WHERE account = $1 AND owner = $2 AND name = $3`,
		o.Account, o.ID, name))
}

// Attach attaches a managed policy, which may be attached already.
func Attach(ctx context.Context, tx *store.Tx, o Owner, policy arn.ARN) error {
	_, err := tx.Exec(ctx, `INSERT INTO iam_attachments (account, owner, policy) VALUES ($1, $2, $3)
		ON CONFLICT (account, owner, policy) DO NOTHING`, o.Account, o.ID, policy)
	return err
}

// Detach ends an attachment.
func Detach(ctx context.Context, tx *store.Tx, o Owner, policy arn.ARN) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM iam_attachments WHERE account = $1 AND owner = $2 AND policy = $3`,
		o.Account, o.ID, policy))
}

// Attached lists up to limit ARNs of attached policies.
func Attached(ctx context.Context, tx *store.Tx, o Owner, after arn.ARN, limit int) ([]arn.ARN, error) {
	rows, err := tx.Query(ctx, `SELECT policy FROM iam_attachments
		WHERE account = $1 AND owner = $2 AND policy > $3 ORDER BY policy LIMIT $4`, o.Account, o.ID, after, limit)
	return store.All(rows, err, scanARN)
}

func scanARN(r *sql.Rows) (arn.ARN, error) {
	var a arn.ARN
	err := r.Scan(&a)
	return a, err
}

// AttachmentCount is how often a policy is attached in an account.
func AttachmentCount(ctx context.Context, tx *store.Tx, account arn.AccountID, policy arn.ARN) (int, error) {
	var n int
	err := store.One(tx.QueryRow(ctx, `SELECT count(*) FROM iam_attachments WHERE account = $1 AND policy = $2`, account, policy), &n)
	return n, err
}

// AttachmentCounts are the policies attached in an account, with how often.
func AttachmentCounts(ctx context.Context, tx *store.Tx, account arn.AccountID) (map[arn.ARN]int, error) {
	return countByARN(tx.Query(ctx, `SELECT policy, count(*) FROM iam_attachments WHERE account = $1 GROUP BY policy`, account))
}

// BoundaryCounts are the policies that bound users and roles of an account,
// with how many.
func BoundaryCounts(ctx context.Context, tx *store.Tx, account arn.AccountID) (map[arn.ARN]int, error) {
	return countByARN(tx.Query(ctx, `SELECT boundary, count(*) FROM (
			SELECT boundary FROM iam_users WHERE account = $1 AND boundary <> ''
			UNION ALL SELECT boundary FROM iam_roles WHERE account = $1 AND boundary <> '') AS bounded
		GROUP BY boundary`, account))
}

func countByARN(rows *sql.Rows, err error) (map[arn.ARN]int, error) {
	counts := map[arn.ARN]int{}
	_, err = store.All(rows, err, func(r *sql.Rows) (struct{}, error) {
		var a arn.ARN
		var n int
		err := r.Scan(&a, &n)
		counts[a] = n
		return struct{}{}, err
	})
	return counts, err
}

// Carried are the policies of a bearer and its groups.
type Carried struct {
	// Inline are the inline documents.
	Inline []string
	// Attached are the ARNs of managed policies; Documents holds the
	// documents of those that belong to the account.
	Attached  []arn.ARN
	Documents map[arn.ARN]string
}

// owners selects a bearer's own id and those of its groups.
const owners = `(SELECT CAST($2 AS TEXT) AS id UNION SELECT group_id FROM iam_group_members WHERE account = $1 AND user_id = $2)`

// Carry returns everything a user (with its groups) or role carries.
func Carry(ctx context.Context, tx *store.Tx, o Owner) (Carried, error) {
	c := Carried{Documents: map[arn.ARN]string{}}
	rows, err := tx.Query(ctx, `SELECT document FROM iam_inline_policies
		WHERE account = $1 AND owner IN `+owners+` ORDER BY owner, name`, o.Account, o.ID)
	if c.Inline, err = store.All(rows, err, store.Text); err != nil {
		return c, err
	}
	rows, err = tx.Query(ctx, `SELECT a.policy, coalesce(p.document, '') FROM iam_attachments a
		LEFT JOIN iam_policies p ON p.account = a.account AND p.arn = a.policy
		WHERE a.account = $1 AND a.owner IN `+owners+` ORDER BY a.policy`, o.Account, o.ID)
	c.Attached, err = store.All(rows, err, func(r *sql.Rows) (arn.ARN, error) {
		var a arn.ARN
		var document string
		err := r.Scan(&a, &document)
		if document != "" {
			c.Documents[a] = document
		}
		return a, err
	})
	return c, err
}

// Entity is a user, group or role that uses a policy.
type Entity struct {
	// Kind is "User", "Group" or "Role".
	Kind           string
	Name, Path, ID string
}

// Entities lists who carries a policy and who is bound by it; with onlyBound,
// the latter alone.
func Entities(ctx context.Context, tx *store.Tx, account arn.AccountID, policy arn.ARN, onlyBound bool) ([]Entity, error) {
	const carries = `EXISTS (SELECT 1 FROM iam_attachments a WHERE a.account = $1 AND a.owner = e.id AND a.policy = $2)`
	uses := `(boundary = $2 OR ` + carries + `)`
	groups := carries
	if onlyBound {
		uses, groups = `boundary = $2`, `FALSE`
	}
	rows, err := tx.Query(ctx, `SELECT kind, name, path, id FROM (
			SELECT 'Group' AS kind, name, path, id, name_key FROM iam_groups e WHERE account = $1 AND `+groups+`
			UNION ALL SELECT 'User', name, path, id, name_key FROM iam_users e WHERE account = $1 AND `+uses+`
			UNION ALL SELECT 'Role', name, path, id, name_key FROM iam_roles e WHERE account = $1 AND `+uses+`) AS entities
		ORDER BY kind, name_key`, account, policy)
	return store.All(rows, err, func(r *sql.Rows) (Entity, error) {
		var e Entity
		err := r.Scan(&e.Kind, &e.Name, &e.Path, &e.ID)
		return e, err
	})
}
