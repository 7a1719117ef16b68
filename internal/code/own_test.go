package code_test

import (
	"archive/zip"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/muster"
	"muster/internal/store"
	cellar "muster/internal/store/code"
)

// start scans a project and returns how the scan ended.
func (w *world) start(p cellar.Project) *inspector2.GetCodeSecurityScanOutput {
	w.Helper()
	r := &inspector2.CodeSecurityResource{ProjectId: &p.ID}
	out, err := w.desk.StartCodeSecurityScan(w.Context(), w.call(), &inspector2.StartCodeSecurityScanInput{Resource: r})
	if err != nil {
		w.Fatal(err)
	}
	_, err = w.desk.StartCodeSecurityScan(w.Context(), w.call(), &inspector2.StartCodeSecurityScanInput{Resource: r})
	var conflict *inspector2.ConflictException
	if !errors.As(err, &conflict) {
		w.Errorf("a second scan while one runs: %v", err)
	}
	w.pass(0)
	scan, err := w.desk.GetCodeSecurityScan(w.Context(), w.call(), &inspector2.GetCodeSecurityScanInput{Resource: r, ScanId: *out.ScanId})
	if err != nil {
		w.Fatal(err)
	}
	return scan
}

// TestAnyServer: a repository by its address, told of by signed notices, and
// scanned when asked.
func TestAnyServer(t *testing.T) {
	each(t, false, func(w *world) {
		w.gitlab.Add(w, "team/app")
		w.gitlab.Commit(w, "team/app.git", "", lock("lodash", "4.17.20"))
		out, err := w.desk.CreateCodeRepository(w.Context(), w.call(), &muster.CreateCodeRepositoryInput{Name: "app", Url: w.url + "/team/app.git", Token: new(token)})
		if err != nil {
			t.Fatal(err)
		}
		w.pass(0)
		app := w.projects()["app"]
		w.expect(app, "ACTIVE SUCCESSFUL lodash@4.17.20 ACTIVE")
		if scan := w.start(app); scan.Status != inspector2.CodeScanStatusSkipped || *scan.LastCommitId != app.Commit {
			t.Errorf("the same commit within a day: %s %s", scan.Status, *scan.StatusReason)
		}
		w.now = w.now.Add(25 * time.Hour)
		if scan := w.start(app); scan.Status != inspector2.CodeScanStatusSuccessful || !strings.Contains(*scan.StatusReason, "SAST") {
			t.Errorf("the same commit after a day: %s %s", scan.Status, *scan.StatusReason)
		}

		w.gitlab.Commit(w, "team/app.git", "", lock("lodash", "4.17.21"))
		notify := func(key string) int {
			body := `{"ref":"refs/heads/main"}`
			mac := hmac.New(sha256.New, []byte(key))
			mac.Write([]byte(body))
			r := httptest.NewRequest(http.MethodPost, *out.Repository.NotificationPath, strings.NewReader(body))
			r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
			rec := httptest.NewRecorder()
			w.door.ServeHTTP(rec, r)
			return rec.Code
		}
		if code := notify("wrong"); code != http.StatusUnauthorized {
			t.Error("a wrong signature:", code)
		}
		w.pass(0)
		w.expect(app, "ACTIVE SUCCESSFUL lodash@4.17.20 ACTIVE")
		if code := notify(out.NotificationToken); code != http.StatusOK {
			t.Error("a signed notice:", code)
		}
		w.pass(0)
		w.expect(app, "ACTIVE SUCCESSFUL lodash@4.17.20 CLOSED")

		// A token that is withdrawn leaves what was found, and says so.
		w.gitlab.Revoke(token)
		w.pass(15 * time.Minute)
		if got := w.coverage(app); !strings.HasPrefix(got, "INACTIVE INTEGRATION_CONNECTION_LOST") {
			t.Error("a withdrawn token:", got)
		}
		if scan := w.start(app); scan.Status != inspector2.CodeScanStatusFailed || !strings.Contains(*scan.StatusReason, "denied") || strings.Contains(*scan.StatusReason, token) {
			t.Errorf("a scan with a withdrawn token: %s %s", scan.Status, *scan.StatusReason)
		}
		if _, err := w.desk.DeleteCodeRepository(w.Context(), w.call(), &muster.DeleteCodeRepositoryInput{ProjectId: app.ID}); err != nil {
			t.Fatal(err)
		}
		w.pass(0)
		if n := len(w.projects()); n != 0 {
			t.Errorf("%d projects after deletion", n)
		}
	})
}

// upload sends files in one part.
func (w *world) upload(files map[string]string) string {
	w.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range files {
		f, err := z.Create(name)
		if err == nil {
			_, err = f.Write([]byte(content))
		}
		if err != nil {
			w.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		w.Fatal(err)
	}
	up, err := w.uploads.CreateUpload(w.Context(), w.call(), &muster.CreateUploadInput{})
	if err == nil {
		_, err = w.uploads.PutUploadPart(w.Context(), w.call(), &muster.PutUploadPartInput{UploadId: up.UploadId, Data: b.Bytes()})
	}
	if err != nil {
		w.Fatal(err)
	}
	return up.UploadId
}

// TestUploadedTree: a tree is read when it is uploaded; the next one takes its
// place.
func TestUploadedTree(t *testing.T) {
	each(t, false, func(w *world) {
		put := func(files map[string]string, commit string) *muster.PutCodeRepositoryTreeOutput {
			out, err := w.desk.PutCodeRepositoryTree(w.Context(), w.call(), &muster.PutCodeRepositoryTreeInput{Name: "shop", UploadId: w.upload(files), CommitId: new(commit)})
			if err != nil {
				t.Fatal(err)
			}
			w.pass(0)
			return out
		}
		if out := put(lock("lodash", "4.17.20"), "one"); out.Packages != 1 || out.Repository.Provider != muster.CodeRepositoryProviderUpload {
			t.Errorf("uploaded: %+v", out)
		}
		shop := w.projects()["shop"]
		w.expect(shop, "ACTIVE SUCCESSFUL lodash@4.17.20 ACTIVE")
		put(lock("lodash", "4.17.21"), "two")
		w.expect(shop, "ACTIVE SUCCESSFUL lodash@4.17.20 CLOSED")
		list, err := w.desk.ListCodeRepositories(w.Context(), w.call(), &muster.ListCodeRepositoriesInput{})
		if err != nil || len(list.Repositories) != 1 || *list.Repositories[0].LastScannedCommitId != "two" {
			t.Errorf("listed: %+v, %v", list, err)
		}
		if _, err := w.desk.CreateCodeRepository(w.Context(), w.call(), &muster.CreateCodeRepositoryInput{Name: "shop", Url: w.url + "/x.git"}); err == nil {
			t.Error("a name is given twice")
		}
	})
}

// TestSecretsStaySecret: nothing that is stored or told has a credential in
// it, and one account does not reach what is another's.
func TestSecretsStaySecret(t *testing.T) {
	each(t, false, func(w *world) {
		w.gitlab.Add(w, "team/app")
		w.gitlab.Commit(w, "team/app.git", "", lock("lodash", "4.17.20"))
		i := w.connect()
		w.pass(0)
		p := w.projects()["team/app"]
		err := w.store.View(w.Context(), func(tx *store.Tx) error {
			stored, err := cellar.LookupIntegration(w.Context(), tx, p.At, p.Integration)
			if strings.Contains(fmt.Sprintf("%s %+v", stored.Secret, stored), token) || len(stored.Secret) == 0 {
				t.Errorf("stored as %+v", stored)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := w.desk.GetCodeSecurityIntegration(w.Context(), w.call(), &inspector2.GetCodeSecurityIntegrationInput{IntegrationArn: i.IntegrationArn})
		if err != nil || strings.Contains(fmt.Sprintf("%+v", out), token) {
			t.Errorf("told as %+v, %v", out, err)
		}
		stranger := w.callOf(arn.AccountID("222222222222"))
		var absent *inspector2.ResourceNotFoundException
		if _, err := w.desk.GetCodeSecurityIntegration(w.Context(), stranger, &inspector2.GetCodeSecurityIntegrationInput{IntegrationArn: i.IntegrationArn}); !errors.As(err, &absent) {
			t.Errorf("a stranger reads: %v", err)
		}
		if _, err := w.desk.DeleteCodeSecurityIntegration(w.Context(), stranger, &inspector2.DeleteCodeSecurityIntegrationInput{IntegrationArn: i.IntegrationArn}); !errors.As(err, &absent) {
			t.Errorf("a stranger deletes: %v", err)
		}
		if _, err := w.desk.StartCodeSecurityScan(w.Context(), stranger, &inspector2.StartCodeSecurityScanInput{Resource: &inspector2.CodeSecurityResource{ProjectId: &p.ID}}); !errors.As(err, &absent) {
			t.Errorf("a stranger scans: %v", err)
		}
		for _, address := range []string{"https://10.0.0.1", "https://user:pw@gitlab.example.com", "https://gitlab.example.com/?q=1", "https://169.254.169.254"} {
			_, err := w.desk.CreateCodeSecurityIntegration(w.Context(), w.call(), &inspector2.CreateCodeSecurityIntegrationInput{Name: "x", Type: inspector2.IntegrationTypeGitlabSelfManaged,
				Details: &inspector2.CreateIntegrationDetail{GitlabSelfManaged: &inspector2.CreateGitLabSelfManagedIntegrationDetail{InstanceUrl: address, AccessToken: token}}})
			var wrong *inspector2.ValidationException
			if !errors.As(err, &wrong) {
				t.Errorf("%s: %v", address, err)
			}
		}
	})
}

// TestReview: what a merge request brings is told there and stored nowhere.
func TestReview(t *testing.T) {
	each(t, false, func(w *world) {
		w.gitlab.Add(w, "team/app")
		w.gitlab.Commit(w, "team/app.git", "", lock("lodash", "4.17.21"))
		w.gitlab.Commit(w, "team/app.git", "refs/merge-requests/7/head", lock("lodash", "4.17.19"))
		w.connect()
		w.configure(onPush(), inspector2.ProjectSelectionScopeAll)
		w.pass(0)
		w.pass(15 * time.Minute)
		hook := w.gitlab.Hooks(1)[0]
		open := func(action, target string) {
			body := fmt.Sprintf(`{"object_kind":"merge_request","project":{"id":1},"object_attributes":{"iid":7,"action":%q,"target_branch":%q}}`, action, target)
			if code := w.notify(hook, hook.Token, body); code != http.StatusOK {
				t.Error("a merge request:", code)
			}
			w.pass(time.Minute)
		}
		open("update", "main")
		open("open", "other")
		if notes := w.gitlab.Notes(1, 7); len(notes) != 0 {
			t.Errorf("told about what is not opened against the default branch: %v", notes)
		}
		open("open", "main")
		notes := w.gitlab.Notes(1, 7)
		if len(notes) != 1 || !strings.Contains(notes[0], "| CRITICAL | CVE-2026-1000 | lodash 4.17.19") || !strings.Contains(notes[0], "4.17.21") {
			t.Errorf("told: %q", notes)
		}
		w.expect(w.projects()["team/app"], "ACTIVE SUCCESSFUL")
	})
}
