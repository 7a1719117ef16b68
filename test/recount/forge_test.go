package recount

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"muster/internal/source/forge/forgetest"
	"muster/test/livetest"
)

// TestMain has the servers trust the certificate that the tests' own servers
// have: the system's authorities are read once.
func TestMain(m *testing.M) {
	code, err := trusting(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func trusting(run func() int) (code int, err error) {
	web := httptest.NewTLSServer(nil)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	web.Close()
	dir, err := os.MkdirTemp("", "muster-recount-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "authorities.pem")
	if err := errors.Join(os.WriteFile(file, certificate, 0o600), os.Setenv("SSL_CERT_FILE", file)); err != nil {
		return 0, err
	}
	return run(), nil
}

// projects are those of a GitLab that ben has, all of which are scanned.
func (w *world) projects() {
	lab := forgetest.NewGitLab(w, "glpat-1", false)
	web := httptest.NewTLSServer(lab)
	w.Cleanup(web.Close)
	names := []string{"team/shop", "team/web"}
	var made []*resource
	for _, name := range names {
		packages := install(w.r, npm, 2, func(string) string { return "package-lock.json" })
		lab.Add(w, name)
		lab.Commit(w, name+".git", "", map[string]string{"package-lock.json": lockFile(packages)})
		made = append(made, &resource{Account: "ben", Region: near, Type: "CODE_REPOSITORY", Reports: [][]pkg{packages}, Details: map[string]any{"projectName": name, "providerType": "GITLAB_SELF_MANAGED"}})
	}
	out := w.ask("ben", near, "inspector2", "CreateCodeSecurityIntegration", map[string]any{"name": "lab", "type": "GITLAB_SELF_MANAGED",
		"details": map[string]any{"gitlabSelfManaged": map[string]any{"instanceUrl": web.URL, "accessToken": "glpat-1"}}})
	w.ask("ben", near, "inspector2", "CreateCodeSecurityScanConfiguration", map[string]any{"name": "all", "level": "ACCOUNT", "scopeSettings": map[string]any{"projectSelectionScope": "ALL"},
		"configuration": map[string]any{"ruleSetCategories": []any{"SCA"}, "continuousIntegrationScanConfiguration": map[string]any{"supportedEvents": []any{"PUSH"}}}})
	for i, r := range made {
		r.Details["integrationArn"] = out["integrationArn"]
		w.await("the project "+names[i], func() bool {
			covered := w.ask("ben", near, "inspector2", "ListCoverage", map[string]any{"filterCriteria": map[string]any{"codeRepositoryProjectName": []any{map[string]any{"comparison": "EQUALS", "value": names[i]}}}})
			r.ID, _ = livetest.Dig(covered, "coveredResources", 0, "resourceId").(string)
			return livetest.Dig(covered, "coveredResources", 0, "scanStatus", "reason") == "SUCCESSFUL"
		})
		w.Resources = append(w.Resources, r)
	}
}

// lockFile is npm's list of what is installed.
func lockFile(packages []pkg) string {
	list := map[string]any{"": map[string]string{"name": "a", "version": "1.0.0"}}
	for _, p := range packages {
		list["node_modules/"+p.Name] = map[string]string{"version": p.text()}
	}
	lock, err := json.Marshal(map[string]any{"name": "a", "version": "1.0.0", "lockfileVersion": 3, "packages": list})
	if err != nil { // plain values
		panic(err)
	}
	return string(lock)
}
