package functions_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"muster/internal/advisory"
	"muster/internal/advisorydb"
	"muster/internal/awsmodel/muster"
	"muster/internal/finding"
	"muster/internal/scan"
	"muster/internal/store"
	"muster/internal/store/feeds"
	"muster/internal/store/findings"
	"muster/internal/worker"
)

// publisher keeps generations of advisories about PyPI in folders.
type publisher struct {
	dir   string
	store *store.Store
}

func (p *publisher) CurrentGeneration(ctx context.Context) (*advisorydb.Set, int64, error) {
	n, err := store.Read(ctx, p.store, func(tx *store.Tx) (int64, error) { return feeds.Current(ctx, tx) })
	if err != nil {
		return nil, 0, err
	}
	set, err := p.Generation(ctx, n)
	return set, n, err
}

func (p *publisher) Generation(_ context.Context, n int64) (*advisorydb.Set, error) {
	if n == 0 {
		return advisorydb.Empty(), nil
	}
	return advisorydb.Open(filepath.Join(p.dir, strconv.FormatInt(n, 10)))
}

// publish puts a generation into service that says in which version each
// package is repaired, and tells the scan desk.
func (w *world) publish(p *publisher, fixed map[string]string) {
	w.Helper()
	current, err := store.Read(w.Context(), w.store, func(tx *store.Tx) (int64, error) { return feeds.Current(w.Context(), tx) })
	if err != nil {
		w.Fatal(err)
	}
	dir := filepath.Join(p.dir, strconv.FormatInt(current+1, 10))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		w.Fatal(err)
	}
	b, err := advisorydb.NewBuilder(filepath.Join(dir, "PyPI.adv"), "PyPI")
	if err != nil {
		w.Fatal(err)
	}
	for name, version := range fixed {
		record := fmt.Appendf(nil, `{"id":"PYSEC-%[1]s","aliases":["CVE-2026-%04[3]d"],"modified":"2026-01-01T00:00:00Z","details":"%[1]s is weak",
			"affected":[{"package":{"ecosystem":"PyPI","name":%[1]q},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":%[2]q}]}]}]}`, name, version, 1000+len(name))
		parsed, err := advisory.Parse(record)
		if err == nil {
			err = b.Add(&parsed, record)
		}
		if err != nil {
			w.Fatal(err)
		}
	}
	if _, err := b.Finish(); err != nil {
		w.Fatal(err)
	}
	stat, err := os.Stat(filepath.Join(dir, "PyPI.adv"))
	if err == nil {
		err = advisorydb.WriteManifest(dir, []advisorydb.Info{{Kind: advisorydb.Advisories, Ecosystem: "PyPI", File: "PyPI.adv", Size: stat.Size()}})
	}
	if err == nil {
		err = w.store.Update(w.Context(), func(tx *store.Tx) error {
			if err := feeds.Advance(w.Context(), tx, current, feeds.Generation{Number: current + 1, CreatedAt: w.now}); err != nil {
				return err
			}
			return tx.Enqueue(w.Context(), store.Job{Kind: scan.JobAdvisories, Key: strconv.FormatInt(current+1, 10)})
		})
	}
	if err != nil {
		w.Fatal(err)
	}
	w.workAll(w.scan.Jobs())
}

// workAll does the jobs of all kinds that are due, until there is none.
func (w *world) workAll(handlers map[string]worker.Handler) {
	w.Helper()
	for again := true; again; {
		again = false
		for kind, do := range handlers {
			jobs, err := w.store.Claim(w.Context(), kind, 100, time.Minute)
			if err != nil {
				w.Fatal(err)
			}
			for _, j := range jobs {
				again = true
				if err := do(w.Context(), j); err != nil {
					w.Fatal(err)
				}
				if err := w.store.Complete(w.Context(), j); err != nil {
					w.Fatal(err)
				}
			}
		}
	}
}

// found lists the findings of a function as "package version layer STATUS".
func (w *world) found(name string) (list []string) {
	w.Helper()
	r, _ := w.scanned(name)
	err := w.store.View(w.Context(), func(tx *store.Tx) error {
		list = nil
		stored, err := findings.OfResource(w.Context(), tx, r.Number)
		for _, f := range stored {
			for _, p := range f.Package.Packages {
				list = append(list, fmt.Sprintf("%s %s %s %s", p.Name, p.Version, p.LambdaLayer, f.Status))
			}
		}
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	slices.Sort(list)
	return list
}

// TestFindingsOfFunctions drives uploads to findings and back: of code and
// layers, of other advisories, of exclusion and of other layers.
func TestFindingsOfFunctions(t *testing.T) {
	each(t, func(w *world) {
		p := &publisher{w.T.TempDir(), w.store}
		w.scan = scan.New(scan.Config{Store: w.store, Advisories: p, Now: func() time.Time { return w.now }})
		w.publish(p, map[string]string{"requests": "2.0"})
		published, err := w.desk.PublishFunctionLayer(w.Context(), w.call(ours), &muster.PublishFunctionLayerInput{LayerName: "deps", UploadId: w.upload(python(w.T, "python/", "requests", "1.0"))})
		if err != nil {
			w.Fatal(err)
		}
		layer := published.Layer.LayerVersionArn
		w.put(muster.PutFunctionInput{FunctionName: "web", Runtime: new("python3.12"), RoleArn: new(role), Layers: []string{layer},
			UploadId: new(w.upload(python(w.T, "", "idna", "2.0")))})
		expect := func(what string, want ...string) {
			w.Helper()
			w.workAll(w.scan.Jobs())
			if got := w.found("web"); !slices.Equal(got, want) {
				w.Errorf("%s: %q, want %q", what, got, want)
			}
		}
		expect("a layer", "requests 1.0 "+layer+" ACTIVE")
		w.publish(p, map[string]string{"requests": "2.0", "idna": "3.0"})
		expect("other advisories", "idna 2.0  ACTIVE", "requests 1.0 "+layer+" ACTIVE")
		w.publish(p, map[string]string{"requests": "0.9", "idna": "3.0"})
		expect("a corrected advisory", "idna 2.0  ACTIVE", "requests 1.0 "+layer+" CLOSED")
		w.publish(p, map[string]string{"requests": "2.0", "idna": "3.0"})

		excluded := map[string]string{"InspectorExclusion": "LambdaStandardScanning"}
		if _, err := w.desk.TagFunction(w.Context(), w.call(ours), &muster.TagFunctionInput{FunctionName: "web", Tags: excluded}); err != nil {
			w.Fatal(err)
		}
		expect("excluded", "idna 2.0  CLOSED", "requests 1.0 "+layer+" CLOSED")
		if r, _ := w.scanned("web"); r.Reason != "EXCLUDED_BY_TAG" {
			w.Errorf("coverage %+v", r.Coverage)
		}
		// The tag of code scanning is not the one of standard scanning.
		for _, change := range []error{
			untag(w, "InspectorExclusion"), tag(w, map[string]string{"InspectorCodeExclusion": "LambdaCodeScanning"}),
		} {
			if change != nil {
				w.Fatal(change)
			}
		}
		expect("excluded from code scanning alone", "idna 2.0  ACTIVE", "requests 1.0 "+layer+" ACTIVE")

		w.put(muster.PutFunctionInput{FunctionName: "web", Layers: []string{}, UploadId: new(w.upload(python(w.T, "", "idna", "3.1")))})
		expect("repaired code, no layer", "idna 2.0  CLOSED", "requests 1.0 "+layer+" CLOSED")

		// Layers of other accounts are nobody's here.
		if _, err := w.desk.PublishFunctionLayer(w.Context(), w.call(theirs), &muster.PublishFunctionLayerInput{LayerName: "deps", UploadId: w.upload(python(w.T, ""))}); err == nil {
			w.Error("others publish an upload of ours")
		}
		for _, foreign := range []string{"arn:aws:lambda:eu-west-1:222222222222:layer:deps:1", "arn:aws:lambda:us-east-1:111111111111:layer:deps:1"} {
			if _, err := w.desk.PutFunction(w.Context(), w.call(ours), &muster.PutFunctionInput{FunctionName: "web", Layers: []string{foreign}}); err == nil {
				w.Errorf("%s is taken", foreign)
			}
		}
		r, _ := w.scanned("web")
		if r.Type != finding.LambdaFunction || len(r.Function.Layers) != 0 {
			w.Errorf("a refused change left %+v", r.Function)
		}
	})
}

func tag(w *world, tags map[string]string) error {
	_, err := w.desk.TagFunction(w.Context(), w.call(ours), &muster.TagFunctionInput{FunctionName: "web", Tags: tags})
	return err
}

func untag(w *world, key string) error {
	_, err := w.desk.UntagFunction(w.Context(), w.call(ours), &muster.UntagFunctionInput{FunctionName: "web", TagKeys: []string{key}})
	return err
}
