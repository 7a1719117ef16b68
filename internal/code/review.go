package code

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/scanner"
	"muster/internal/source/forge"
	"muster/internal/store"
	cellar "muster/internal/store/code"
)

// mostRemarks is how many findings are written at a merge request, the worst
// ones (scanning specification 13).
const mostRemarks = 25

// review is the payload of JobReview.
type review struct {
	cellar.At
	Project string `json:"project"`
	Number  int64  `json:"number"`
}

// askToReview asks once for a merge request to be looked through: when it is
// opened.
func askToReview(ctx context.Context, tx *store.Tx, p *cellar.Project, number int64, now time.Time) error {
	body, err := json.Marshal(review{p.At, p.ID, number})
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{
		Kind: JobReview, Key: fmt.Sprintf("%s/%d", ref{p.At, p.ID}, number), Account: string(p.Account), Region: string(p.Region), Payload: body, RunAt: now,
	})
}

// review is the handler of JobReview: what it finds is told at the merge
// request and stored nowhere.
func (s *Service) review(ctx context.Context, job store.Job) error {
	r, err := payload[review](job)
	if err != nil {
		return err
	}
	var p cellar.Project
	var i cellar.Integration
	err = s.store.View(ctx, func(tx *store.Tx) (err error) {
		if p, err = cellar.LookupProject(ctx, tx, r.At, r.Project); err != nil {
			return err
		}
		if on, err := enabled(ctx, tx, r.At); err != nil || !on {
			return errors.Join(err, store.ErrNotFound)
		}
		i, err = cellar.LookupIntegration(ctx, tx, r.At, p.Integration)
		return err
	})
	if err != nil || i.Status == cellar.Disabling {
		return ignore(err, store.ErrNotFound)
	}
	within, cancel := context.WithTimeout(ctx, scanWithin)
	defer cancel()
	err = s.remark(within, &i, &p, r.Number)
	if _, again := problemOf(err); err != nil && (!again || job.Attempts >= attempts) && ctx.Err() == nil {
		return nil // nobody waits for an answer that cannot be given
	}
	return err
}

func (s *Service) remark(ctx context.Context, i *cellar.Integration, p *cellar.Project, number int64) error {
	at, err := s.provider(ctx, i)
	if err != nil {
		return err
	}
	remote, err := s.remote(ctx, i, p)
	if err != nil {
		return err
	}
	inv, _, err := s.tree(ctx, remote, at.ReviewRef(number))
	if err != nil {
		return err
	}
	text, err := s.judged(ctx, inv)
	if err != nil || text == "" {
		return err
	}
	return at.Comment(ctx, forge.Project{ID: p.Remote, Name: p.Name}, number, text)
}

// judged is what is said about an inventory, "" where there is nothing of
// weight.
func (s *Service) judged(ctx context.Context, inv inventory.Inventory) (text string, err error) {
	set, err := s.config.Advisories(ctx)
	if err != nil {
		return "", err
	}
	defer set.Close()
	r, err := scanner.Judge(ctx, scanner.Target{Kind: scanner.Dir, Name: "."}, inv, set, scanner.Judging{})
	if err != nil {
		return "", err
	}
	return comment(r.Findings), nil
}

// comment words the worst findings, which come first.
func comment(list []scanner.Finding) string {
	var b strings.Builder
	n := 0
	for k := range list {
		f := &list[k]
		if f.Severity != finding.Critical && f.Severity != finding.High || n == mostRemarks {
			continue
		}
		n++
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", f.Severity, plain(f.Package.VulnerabilityID), plain(packages(f)), plain(fixes(f)))
	}
	if n == 0 {
		return ""
	}
	return "Packages with known vulnerabilities (the " + fmt.Sprint(n) + " worst; SCA only):\n\n| Severity | Vulnerability | Package | Fixed in |\n|---|---|---|---|\n" + b.String()
}

func packages(f *scanner.Finding) string {
	var list []string
	for _, a := range f.Affects {
		list = append(list, a.Item.Name+" "+a.Item.Version+" ("+a.Item.Path+")")
	}
	return strings.Join(list, ", ")
}

func fixes(f *scanner.Finding) string {
	for _, a := range f.Affects {
		if a.FixedVersion != "" {
			return a.FixedVersion
		}
	}
	return "–"
}

// plain keeps foreign names from being taken for markup.
func plain(text string) string {
	const most = 300
	text = strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune("|`<>[]*_~\\", r) {
			return ' '
		}
		return r
	}, text)
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}
