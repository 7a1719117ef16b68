package story

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/internal/config"
	"muster/internal/source/forge/forgetest"
)

// TestMain has the servers of the stories trust the certificate that the
// tests' own servers have: the system's authorities are read once.
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
	dir, err := os.MkdirTemp("", "muster-story-")
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

// TestCodeRepositories follows a project of GitLab and a folder through the AWS
// CLI and the commands: integration, default configuration, coverage, findings,
// aggregation, a scan on demand, and the end.
func TestCodeRepositories(t *testing.T) {
	for engine, database := range engines {
		t.Run(engine, func(t *testing.T) {
			w, err := newWorldWith(t.TempDir(), database(t), findCLI(t), func(c *config.Config) { c.CodeNetworks = []string{"127.0.0.0/8"} })
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(w.close)
			p := &patient{t: t, world: w, by: map[string]string{w.management: "management"}}
			p.must(mirror("testdata/code", filepath.Join(w.dir, "feeds")))
			if _, err := w.server.SyncFeeds(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			p.code()
		})
	}
}

// inspect is the answer to a call that goes well.
func (p *patient) inspect(out any, args ...string) {
	p.t.Helper()
	p.must(p.answerTo("management", out, append([]string{"inspector2"}, args...)...))
}

func (p *patient) code() {
	const lock = `{"name":"a","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"a","version":"1.0.0"},"node_modules/lodash":{"version":"4.17.20"}}}`
	lab := forgetest.NewGitLab(p.t, "glpat-1", false)
	web := httptest.NewTLSServer(lab)
	p.t.Cleanup(web.Close)
	lab.Add(p.t, "team/shop")
	commit := lab.Commit(p.t, "team/shop.git", "", map[string]string{"package-lock.json": lock})

	var none json.RawMessage
	p.inspect(&none, "enable", "--resource-types", "CODE_REPOSITORY")
	var made struct{ IntegrationArn, Status string }
	p.inspect(&made, "create-code-security-integration", "--name", "lab", "--type", "GITLAB_SELF_MANAGED",
		"--details", fmt.Sprintf(`{"gitlabSelfManaged":{"instanceUrl":%q,"accessToken":"glpat-1"}}`, web.URL))
	p.inspect(&none, "create-code-security-scan-configuration", "--name", "all", "--level", "ACCOUNT", "--scope-settings", "projectSelectionScope=ALL",
		"--configuration", `{"ruleSetCategories":["SCA","SAST"],"continuousIntegrationScanConfiguration":{"supportedEvents":["PUSH"]}}`)

	var covered struct {
		CoveredResources []struct {
			ResourceID       string `json:"resourceId"`
			ScanType         string
			ScanStatus       struct{ StatusCode, Reason string }
			ResourceMetadata struct {
				CodeRepository struct{ ProjectName, ProviderType, LastScannedCommitID, IntegrationArn string }
			}
		}
	}
	coverage := func(name string) bool {
		p.inspect(&covered, "list-coverage", "--filter-criteria", fmt.Sprintf(`{"codeRepositoryProjectName":[{"comparison":"EQUALS","value":%q}]}`, name))
		return len(covered.CoveredResources) == 1 && covered.CoveredResources[0].ScanStatus.Reason == "SUCCESSFUL"
	}
	p.await("the project is scanned", func() bool { return coverage("team/shop") })
	r := covered.CoveredResources[0]
	if m := r.ResourceMetadata.CodeRepository; r.ScanType != "PACKAGE" || m.LastScannedCommitID != commit || m.ProviderType != "GITLAB_SELF_MANAGED" || m.IntegrationArn != made.IntegrationArn {
		p.t.Errorf("covered as %+v", r)
	}
	var found struct {
		Findings []struct {
			Type, Status string
			Resources    []struct {
				ID      string `json:"id"`
				Details struct {
					CodeRepository struct{ ProjectName, ProviderType, IntegrationArn string }
				}
			}
		}
	}
	p.inspect(&found, "list-findings", "--filter-criteria", `{"codeRepositoryProviderType":[{"comparison":"EQUALS","value":"GITLAB_SELF_MANAGED"}],"codeRepositoryProjectName":[{"comparison":"PREFIX","value":"team/"}]}`)
	if len(found.Findings) != 1 || found.Findings[0].Type != "PACKAGE_VULNERABILITY" || found.Findings[0].Resources[0].ID != r.ResourceID ||
		found.Findings[0].Resources[0].Details.CodeRepository.ProjectName != "team/shop" {
		p.t.Errorf("found %+v", found)
	}
	p.onDemand(r.ResourceID)
	p.folder(lock, coverage)

	p.inspect(&none, "delete-code-security-integration", "--integration-arn", made.IntegrationArn)
	p.await("the finding is closed", func() bool {
		p.inspect(&found, "list-findings", "--filter-criteria", `{"codeRepositoryProjectName":[{"comparison":"EQUALS","value":"team/shop"}]}`)
		return len(found.Findings) == 1 && found.Findings[0].Status == "CLOSED"
	})
}

// onDemand scans a project that was scanned just now, and counts what is known
// of it.
func (p *patient) onDemand(resource string) {
	project := resource[strings.LastIndex(resource, "/")+1:]
	var scan struct{ ScanID, Status, StatusReason string }
	p.inspect(&scan, "start-code-security-scan", "--resource", "projectId="+project)
	id := scan.ScanID
	p.await("the scan on demand ends", func() bool {
		p.inspect(&scan, "get-code-security-scan", "--resource", "projectId="+project, "--scan-id", id)
		return scan.Status == "SKIPPED"
	})
	var groups struct {
		Responses []struct {
			CodeRepositoryAggregation struct {
				ProjectNames, ResourceID string
				SeverityCounts           struct{ All int }
			}
		}
	}
	p.inspect(&groups, "list-finding-aggregations", "--aggregation-type", "CODE_REPOSITORY",
		"--aggregation-request", `{"codeRepositoryAggregation":{"projectNames":[{"comparison":"EQUALS","value":"team/shop"}]}}`)
	if g := groups.Responses; len(g) != 1 || g[0].CodeRepositoryAggregation.ProjectNames != "team/shop" || g[0].CodeRepositoryAggregation.SeverityCounts.All != 1 || g[0].CodeRepositoryAggregation.ResourceID != resource {
		p.t.Errorf("aggregated as %+v", g)
	}
}

// folder uploads a folder by the command.
func (p *patient) folder(lock string, covered func(name string) bool) {
	dir := p.t.TempDir()
	p.must(errors.Join(os.MkdirAll(filepath.Join(dir, "web"), 0o755), os.WriteFile(filepath.Join(dir, "web", "package-lock.json"), []byte(lock), 0o600)))
	p.ask("management") // whose credentials the command takes
	if out, code := p.muster("code", "upload", "folder", dir); code != 0 || !strings.Contains(out, `"packages": 1`) {
		p.t.Fatalf("muster code upload ended with %d and said %s", code, out)
	}
	p.await("the folder is scanned", func() bool { return covered("folder") })
	if out, code := p.muster("code", "list"); code != 0 || !strings.Contains(out, "team/shop") || !strings.Contains(out, `"UPLOAD"`) {
		p.t.Errorf("muster code list ended with %d and said %s", code, out)
	}
}

// await asks until something is so.
func (p *patient) await(what string, so func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); {
		if time.Now().After(deadline) {
			p.t.Fatal("in vain: " + what)
		}
	}
}
