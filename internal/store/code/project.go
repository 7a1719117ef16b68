package code

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// Trigger is an event after which a project is scanned, and for what.
type Trigger struct {
	Event      string   `json:"event"`
	Categories []string `json:"categories"`
}

// Period is a schedule by which a project is scanned, and for what.
type Period struct {
	// Expression is AWS's cron form.
	Expression string   `json:"expression"`
	Categories []string `json:"categories"`
}

// Plan is what the configurations of a project come to.
type Plan struct {
	// Configured says that there is any.
	Configured bool      `json:"configured,omitempty"`
	Periods    []Period  `json:"periods,omitempty"`
	Triggers   []Trigger `json:"triggers,omitempty"`
}

// On reports whether an event is scanned after.
func (p *Plan) On(event string) bool {
	for _, t := range p.Triggers {
		if t.Event == event {
			return true
		}
	}
	return false
}

// OnDemand is the last scan that somebody asked for.
type OnDemand struct {
	Commit string    `json:"commit,omitempty"`
	At     time.Time `json:"at"`
	Status string    `json:"status"`
}

// Project is a repository of source code.
type Project struct {
	At
	// ID is "project-" and a UUID, Integration that of its integration.
	ID, Integration string
	// Remote is what the provider calls it for good; Name is for people.
	Remote, Name string
	CloneURL     string
	// Branch is the default branch, "" where it is not known yet.
	Branch     string
	Visibility string
	// Head is the newest commit that was heard of.
	Head string
	// HookedAt is when the provider was asked to tell of more, zero for never.
	HookedAt time.Time
	// Commit and ScannedAt are of the last scan that went well.
	Commit    string
	ScannedAt time.Time
	// Problem is why the last scan did not, as a reason of coverage; "" where
	// it did. TriedAt is when.
	Problem  string
	TriedAt  time.Time
	OnDemand *OnDemand
	Plan     Plan
}

// ARN is the project's resource id.
func (p *Project) ARN() arn.ARN {
	return arn.New("inspector2", p.Region, p.Account, "codesecurity-integration/"+p.Integration+"/"+p.ID)
}

const projectColumns = `account, region, id, integration, remote, name, clone_url, branch, visibility, head, hooked_at, commit_id, scanned_at, problem, tried_at, on_demand, plan`

func scanProject(s store.Scanner) (p Project, err error) {
	var onDemand, plan string
	var hooked, scanned, tried int64
	err = s.Scan(&p.Account, &p.Region, &p.ID, &p.Integration, &p.Remote, &p.Name, &p.CloneURL, &p.Branch, &p.Visibility, &p.Head, &hooked,
		&p.Commit, &scanned, &p.Problem, &tried, &onDemand, &plan)
	if err != nil {
		return p, err
	}
	p.HookedAt, p.ScannedAt, p.TriedAt = store.TimeOrNever(hooked), store.TimeOrNever(scanned), store.TimeOrNever(tried)
	if err := decode("scan of a project", onDemand, &p.OnDemand); err != nil {
		return p, err
	}
	return p, decode("plan of a project", plan, &p.Plan)
}

// PutProject stores a project, new or known.
func PutProject(ctx context.Context, tx *store.Tx, p Project) error {
	plan, err := encode(p.Plan)
	if err != nil {
		return err
	}
	onDemand := ""
	if p.OnDemand != nil {
		if onDemand, err = encode(p.OnDemand); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, `INSERT INTO code_projects (`+projectColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
		ON CONFLICT (account, region, id) DO UPDATE SET name = excluded.name, clone_url = excluded.clone_url, branch = excluded.branch,
			visibility = excluded.visibility, head = excluded.head, hooked_at = excluded.hooked_at, commit_id = excluded.commit_id,
			scanned_at = excluded.scanned_at, problem = excluded.problem, tried_at = excluded.tried_at, on_demand = excluded.on_demand, plan = excluded.plan`,
		p.Account, p.Region, p.ID, p.Integration, p.Remote, p.Name, p.CloneURL, p.Branch, p.Visibility, p.Head, store.MicrosOrNever(p.HookedAt),
		p.Commit, store.MicrosOrNever(p.ScannedAt), p.Problem, store.MicrosOrNever(p.TriedAt), onDemand, plan)
	return err
}

// LookupProject returns a project, or store.ErrNotFound.
func LookupProject(ctx context.Context, tx *store.Tx, at At, id string) (Project, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+projectColumns+` FROM code_projects
		WHERE account = $1 AND region = $2 AND id = $3`, at.Account, at.Region, id), scanProject)
}

// ProjectOf returns the project that a provider calls remote, or
// store.ErrNotFound.
func ProjectOf(ctx context.Context, tx *store.Tx, at At, integration, remote string) (Project, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+projectColumns+` FROM code_projects
		WHERE account = $1 AND region = $2 AND integration = $3 AND remote = $4`, at.Account, at.Region, integration, remote), scanProject)
}

// Projects lists up to limit projects of an account by id, after the one given.
func Projects(ctx context.Context, tx *store.Tx, at At, after string, limit int) ([]Project, error) {
	rows, err := tx.Query(ctx, `SELECT `+projectColumns+` FROM code_projects
		WHERE account = $1 AND region = $2 AND id > $3 ORDER BY id LIMIT $4`, at.Account, at.Region, after, limit)
	return store.ReadAll(rows, err, scanProject)
}

// ProjectsAt lists up to limit projects of an integration by the provider's
// names, after the one given.
func ProjectsAt(ctx context.Context, tx *store.Tx, at At, integration, after string, limit int) ([]Project, error) {
	rows, err := tx.Query(ctx, `SELECT `+projectColumns+` FROM code_projects
		WHERE account = $1 AND region = $2 AND integration = $3 AND remote > $4 ORDER BY remote LIMIT $5`, at.Account, at.Region, integration, after, limit)
	return store.ReadAll(rows, err, scanProject)
}

// DeleteProject forgets a project and its associations. Its scans stay, as
// usage is counted by them, until their time has come.
func DeleteProject(ctx context.Context, tx *store.Tx, at At, id string) error {
	_, err := tx.Exec(ctx, `DELETE FROM code_associations WHERE account = $1 AND region = $2 AND project = $3`, at.Account, at.Region, id)
	if err == nil {
		_, err = tx.Exec(ctx, `DELETE FROM code_projects WHERE account = $1 AND region = $2 AND id = $3`, at.Account, at.Region, id)
	}
	return err
}

// Holders lists up to limit accounts with projects in a Region, after the one
// given.
func Holders(ctx context.Context, tx *store.Tx, region arn.Region, after arn.AccountID, limit int) ([]arn.AccountID, error) {
	rows, err := tx.Query(ctx, `SELECT DISTINCT account FROM code_projects WHERE region = $1 AND account > $2 ORDER BY account LIMIT $3`, region, after, limit)
	return store.ReadAll(rows, err, func(s store.Scanner) (id arn.AccountID, err error) {
		err = s.Scan(&id)
		return id, err
	})
}
