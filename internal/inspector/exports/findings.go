package exports

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"strings"

	"muster/internal/awsmodel/inspector2"
	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/inspector/results"
	"muster/internal/store"
	"muster/internal/store/findings"
)

// findingsAtOnce is how many findings are read at a time.
const findingsAtOnce = 500

// report writes a findings report: one object.
func (w *writer) report(ctx context.Context) error {
	key := w.export.Prefix + w.export.ID + "." + strings.ToLower(w.export.Format)
	contentType := map[string]string{"CSV": "text/csv", "JSON": "application/json"}[w.export.Format]
	return w.object(ctx, key, contentType, func(f *os.File) error {
		out := bufio.NewWriterSize(f, 1<<20)
		into := w.json(out)
		if w.export.Format == "CSV" {
			into = w.csv(out)
		}
		n, err := w.findings(ctx, into.finding)
		if err != nil {
			return err
		}
		if n == 0 {
			return failure{inspector2.ReportingErrorCodeNoFindingsFound, "No finding meets the criteria."}
		}
		return errors.Join(into.end(), out.Flush())
	})
}

// findings hands on the findings of the report by account and ARN, an order in
// which none moves, and returns their number.
func (w *writer) findings(ctx context.Context, do func(*finding.Finding) error) (n int, err error) {
	wanted, err := criteria.Decode(w.export.Criteria)
	if err != nil {
		return 0, err
	}
	q := findings.Query{Region: w.export.Region, Criteria: wanted, Field: findings.ByAccount, Limit: findingsAtOnce}
	for {
		if err := w.going(ctx); err != nil {
			return n, err
		}
		var list []findings.Stored
		err := w.store.View(ctx, func(tx *store.Tx) (err error) {
			scope, err := w.scope(ctx, tx)
			if err != nil {
				return err
			}
			q.Scope = scope
			if !scope.Administrator {
				q.Single = scope.Own
			}
			list, q.After, err = findings.List(ctx, tx, q)
			return err
		})
		if err != nil {
			return n, err
		}
		for i := range list {
			if err := do(&list[i].Finding); err != nil {
				return n, err
			}
		}
		if n += len(list); q.After == nil {
			return n, nil
		}
	}
}

// form is a format of reports.
type form struct {
	finding func(*finding.Finding) error
	end     func() error
}

// json is the form {"findings":[…]}, each as the interface has it.
func (w *writer) json(out io.Writer) form {
	var body []byte
	before := `{"findings":[`
	return form{
		finding: func(f *finding.Finding) (err error) {
			wire := results.WireFinding(f)
			body = append(body[:0], before...)
			before = ","
			if body, err = w.config.Encode(body, &wire); err == nil {
				_, err = out.Write(body)
			}
			return err
		},
		end: func() error { _, err := io.WriteString(out, "]}\n"); return err },
	}
}

func (w *writer) csv(out io.Writer) form {
	c := csv.NewWriter(out)
	now := w.export.CreatedAt
	begun := false
	return form{
		finding: func(f *finding.Finding) error {
			if !begun {
				begun = true
				if err := c.Write(header()); err != nil {
					return err
				}
			}
			return c.Write(row(f, now))
		},
		end: func() error { c.Flush(); return c.Error() },
	}
}
