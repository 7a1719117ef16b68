package functions_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/advisorydb"
	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/finding"
	"muster/internal/functions"
	"muster/internal/pagetoken"
	"muster/internal/scan"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
	"muster/internal/store/storetest"
)

const (
	ours   = arn.AccountID("111111111111")
	theirs = arn.AccountID("222222222222")
	region = arn.Region("eu-west-1")
	role   = "arn:aws:iam::111111111111:role/run"
)

// nothing is a set of advisories that says nothing.
type nothing struct{}

func (nothing) CurrentGeneration(context.Context) (*advisorydb.Set, int64, error) {
	return advisorydb.Empty(), 0, nil
}
func (nothing) Generation(context.Context, int64) (*advisorydb.Set, error) {
	return advisorydb.Empty(), nil
}

// world is the desk with the real scan desk behind it.
type world struct {
	*testing.T
	store *store.Store
	desk  *functions.Service
	scan  *scan.Service
	now   time.Time
}

func each(t *testing.T, fn func(w *world)) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		pages, err := pagetoken.New(pagetoken.NewKey())
		if err != nil {
			t.Fatal(err)
		}
		w := &world{T: t, store: s, now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
		w.scan = scan.New(scan.Config{Store: s, Advisories: nothing{}, Now: func() time.Time { return w.now }})
		w.desk = functions.New(functions.Config{Store: s, Scans: w.scan, Pages: pages})
		err = s.Update(t.Context(), func(tx *store.Tx) error {
			return activation.PutScans(t.Context(), tx, []activation.Scan{{Account: ours, Region: region, Type: activation.Lambda, Status: activation.Enabled, ChangedAt: w.now}})
		})
		if err != nil {
			t.Fatal(err)
		}
		fn(w)
	})
}

func (w *world) call(account arn.AccountID) *awsmodel.Call {
	return &awsmodel.Call{Principal: arn.Principal{Kind: arn.RootUser, Account: account, ARN: account.Root()}, Region: region, Time: w.now}
}

// archive zips names and contents.
func archive(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := z.Create(files[i])
		if err == nil {
			_, err = f.Write([]byte(files[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// python is an archive with installed Python packages.
func python(t *testing.T, folder string, pairs ...string) []byte {
	var files []string
	for i := 0; i < len(pairs); i += 2 {
		files = append(files, folder+pairs[i]+".dist-info/METADATA", "Metadata-Version: 2.1\nName: "+pairs[i]+"\nVersion: "+pairs[i+1]+"\n\n")
	}
	return archive(t, files...)
}

// upload sends an archive in small parts, the first one last.
func (w *world) upload(data []byte) string {
	w.Helper()
	up, err := w.desk.CreateUpload(w.Context(), w.call(ours), &muster.CreateUploadInput{})
	if err != nil {
		w.Fatal(err)
	}
	parts := slices.Collect(slices.Chunk(data, 100))
	for n, part := range slices.Backward(parts) {
		in := &muster.PutUploadPartInput{UploadId: up.UploadId, PartNumber: int32(n), Data: part}
		if _, err := w.desk.PutUploadPart(w.Context(), w.call(ours), in); err != nil {
			w.Fatal(err)
		}
	}
	return up.UploadId
}

func (w *world) put(in muster.PutFunctionInput) *muster.Function {
	w.Helper()
	out, err := w.desk.PutFunction(w.Context(), w.call(ours), &in)
	if err != nil {
		w.Fatal(err)
	}
	w.work()
	return out.Function
}

// work does the scans that are waiting.
func (w *world) work() {
	w.Helper()
	for {
		jobs, err := w.store.Claim(w.Context(), scan.JobResource, 10, time.Minute)
		if err != nil {
			w.Fatal(err)
		}
		for _, j := range jobs {
			if err := errors.Join(w.scan.Jobs()[scan.JobResource](w.Context(), j), w.store.Complete(w.Context(), j)); err != nil {
				w.Fatal(err)
			}
		}
		if len(jobs) == 0 {
			return
		}
	}
}

// scanned does what falls due and returns the resource, and the packages of its
// inventory as path@version from layer.
func (w *world) scanned(name string) (catalog.Resource, []string) {
	w.Helper()
	var r catalog.Resource
	var list []string
	err := w.store.View(w.Context(), func(tx *store.Tx) (err error) {
		list = nil
		id := "arn:aws:lambda:eu-west-1:111111111111:function:" + name + ":$LATEST"
		if r, err = catalog.LookupResource(w.Context(), tx, catalog.Place{Account: ours, Region: region, Type: finding.LambdaFunction, ID: id}); err != nil {
			return err
		}
		inv, err := catalog.LookupInventory(w.Context(), tx, r.Inventory)
		if err != nil {
			return err
		}
		for _, p := range inv.Items {
			known, err := catalog.Components(w.Context(), tx, []int64{p.Component})
			if err != nil {
				return err
			}
			layer := p.Layer[strings.LastIndex(p.Layer, "layer:")+1:]
			list = append(list, strings.TrimSuffix(known[0].Name+" "+known[0].Version+" "+p.Path+" "+layer, " "))
		}
		slices.Sort(list)
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
	return r, list
}

func TestFunctionWithLayers(t *testing.T) {
	each(t, func(w *world) {
		var layers []string
		for i, pairs := range [][]string{{"requests", "1.0", "idna", "2.0"}, {"requests", "3.0"}} {
			out, err := w.desk.PublishFunctionLayer(w.Context(), w.call(ours), &muster.PublishFunctionLayerInput{LayerName: "deps", UploadId: w.upload(python(w.T, "python/", pairs...))})
			if err != nil || out.Layer.Version != int64(i+1) {
				w.Fatal(out, err)
			}
			layers = append(layers, out.Layer.LayerVersionArn)
		}
		f := w.put(muster.PutFunctionInput{FunctionName: "web", Runtime: new("python3.13"), RoleArn: new(role), Layers: layers,
			UploadId: new(w.upload(python(w.T, "", "requests", "0.1"))), Tags: map[string]string{"team": "x"}})
		if !f.Supported || *f.Packages != 1 || f.CodeSha256 == nil {
			w.Errorf("function %+v", f)
		}
		r, got := w.scanned("web")
		want := []string{
			"idna 2.0 python/idna.dist-info/METADATA ayer:deps:1",
			"requests 0.1 requests.dist-info/METADATA",
			"requests 3.0 python/requests.dist-info/METADATA ayer:deps:2",
		}
		if !slices.Equal(got, want) {
			w.Errorf("packages %q, want %q", got, want)
		}
		if r.Function.Runtime != "PYTHON_3_13" || r.Tags["team"] != "x" || r.Function.Version != "$LATEST" || len(r.Function.Layers) != 2 {
			w.Errorf("resource %+v", r.Function)
		}
		// Nothing but the layers changes.
		w.put(muster.PutFunctionInput{FunctionName: "web", Layers: layers[:1]})
		if _, got = w.scanned("web"); len(got) != 3 || got[2] != "requests 1.0 python/requests.dist-info/METADATA ayer:deps:1" {
			w.Errorf("with one layer: %q", got)
		}
		// A layer's deletion takes nothing from the functions that have it.
		if _, err := w.desk.DeleteFunctionLayer(w.Context(), w.call(ours), &muster.DeleteFunctionLayerInput{LayerVersionArn: layers[1]}); err != nil {
			w.Fatal(err)
		}
		if _, err := w.desk.PutFunction(w.Context(), w.call(ours), &muster.PutFunctionInput{FunctionName: "web", Layers: layers}); err == nil {
			w.Error("a deleted layer can be given")
		}
		list, err := w.desk.ListFunctionLayers(w.Context(), w.call(ours), &muster.ListFunctionLayersInput{})
		if err != nil || len(list.Layers) != 1 {
			w.Error(list, err)
		}
		out, err := w.desk.PublishFunctionLayer(w.Context(), w.call(ours), &muster.PublishFunctionLayerInput{LayerName: "deps", UploadId: w.upload(python(w.T, ""))})
		if err != nil || out.Layer.Version != 3 {
			w.Error("versions are given twice", out, err)
		}
	})
}

func TestCoverageOfFunctions(t *testing.T) {
	each(t, func(w *world) {
		put := func(runtime string) {
			w.put(muster.PutFunctionInput{FunctionName: "f", Runtime: new(runtime), RoleArn: new(role), UploadId: new(w.upload(archive(w.T, "main.py", "pass")))})
		}
		want := func(reason string) {
			w.Helper()
			w.rescan("f")
			r, _ := w.scanned("f")
			active := reason == "SUCCESSFUL"
			if r.Reason != reason || (r.Status == "ACTIVE") != active || r.ScanType != "PACKAGE" || r.ScanMode != "" || !r.Covered {
				w.Errorf("coverage %+v, want %s", r.Coverage, reason)
			}
		}
		put("python3.12")
		want("SUCCESSFUL")
		put("python2.7")
		want("UNSUPPORTED_RUNTIME")
		put("nodejs22.x")
		want("SUCCESSFUL")
		for value, reason := range map[string]string{"LambdaStandardScanning": "EXCLUDED_BY_TAG", "other": "SUCCESSFUL"} {
			if _, err := w.desk.TagFunction(w.Context(), w.call(ours), &muster.TagFunctionInput{FunctionName: "f", Tags: map[string]string{"InspectorExclusion": value}}); err != nil {
				w.Fatal(err)
			}
			want(reason)
		}
		if _, err := w.desk.UntagFunction(w.Context(), w.call(ours), &muster.UntagFunctionInput{FunctionName: "f", TagKeys: []string{"InspectorExclusion"}}); err != nil {
			w.Fatal(err)
		}
		want("SUCCESSFUL")
		in := &muster.RecordFunctionInvocationInput{FunctionName: "f"}
		w.now = w.now.Add(89 * 24 * time.Hour)
		if _, err := w.desk.RecordFunctionInvocation(w.Context(), w.call(ours), in); err != nil {
			w.Fatal(err)
		}
		w.now = w.now.Add(89 * 24 * time.Hour)
		want("SUCCESSFUL")
		w.now = w.now.Add(2 * 24 * time.Hour)
		want("SCAN_ELIGIBILITY_EXPIRED")
		if _, err := w.desk.RecordFunctionInvocation(w.Context(), w.call(ours), in); err != nil {
			w.Fatal(err)
		}
		want("SUCCESSFUL")
		if _, err := w.desk.DeleteFunction(w.Context(), w.call(ours), &muster.DeleteFunctionInput{FunctionName: "f"}); err != nil {
			w.Fatal(err)
		}
		w.rescan("f")
		if r, _ := w.scanned("f"); r.Covered || r.GoneAt.IsZero() {
			w.Errorf("deleted function %+v", r.Coverage)
		}
	})
}

// rescan does the job of a function, whatever the store's clock says of its
// time.
func (w *world) rescan(name string) {
	w.Helper()
	body, err := json.Marshal(scan.Target{Account: ours, Region: region, Type: finding.LambdaFunction,
		ID: "arn:aws:lambda:eu-west-1:111111111111:function:" + name + ":$LATEST"})
	if err != nil {
		w.Fatal(err)
	}
	if err := w.scan.Jobs()[scan.JobResource](w.Context(), store.Job{Payload: body}); err != nil {
		w.Fatal(err)
	}
}

func TestBadUploads(t *testing.T) {
	each(t, func(w *world) {
		in := func(id string) *muster.PutFunctionInput {
			return &muster.PutFunctionInput{FunctionName: "f", Runtime: new("python3.12"), RoleArn: new(role), UploadId: &id}
		}
		for name, id := range map[string]string{"no zip": w.upload([]byte("hello")), "unknown": "upload-0"} {
			if _, err := w.desk.PutFunction(w.Context(), w.call(ours), in(id)); err == nil {
				w.Errorf("%s: accepted", name)
			}
		}
		good := w.upload(python(w.T, "", "idna", "1"))
		if _, err := w.desk.PutFunction(w.Context(), w.call(theirs), in(good)); err == nil {
			w.Error("others use an upload")
		}
		if _, err := w.desk.PutUploadPart(w.Context(), w.call(theirs), &muster.PutUploadPartInput{UploadId: good, Data: []byte("x")}); err == nil {
			w.Error("others add to an upload")
		}
		w.put(*in(good))
		if _, err := w.desk.PutFunction(w.Context(), w.call(ours), in(good)); err == nil {
			w.Error("an upload is used twice")
		}
		if _, err := w.desk.GetFunction(w.Context(), w.call(theirs), &muster.GetFunctionInput{FunctionName: "f"}); err == nil {
			w.Error("others see a function")
		}
		for _, lacking := range []muster.PutFunctionInput{{FunctionName: "g"}, {FunctionName: "g", RoleArn: new(role)}, {FunctionName: "g", RoleArn: new(role), Runtime: new("python3.12")}} {
			if _, err := w.desk.PutFunction(w.Context(), w.call(ours), &lacking); err == nil {
				w.Errorf("%+v: accepted", lacking)
			}
		}
		var last error
		for range 21 {
			_, last = w.desk.CreateUpload(w.Context(), w.call(ours), &muster.CreateUploadInput{})
		}
		if _, ok := errors.AsType[*muster.ServiceQuotaExceededException](last); !ok {
			w.Errorf("the twenty-first upload: %v", last)
		}
		w.now = w.now.Add(25 * time.Hour)
		if _, err := w.desk.CreateUpload(w.Context(), w.call(ours), &muster.CreateUploadInput{}); err != nil {
			w.Errorf("after a day: %v", err)
		}
	})
}
