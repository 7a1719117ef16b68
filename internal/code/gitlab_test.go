package code_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"muster/internal/awsmodel/inspector2"
	"muster/internal/source/forge/forgetest"
	"muster/internal/store/activation"
)

// TestGitLab follows an integration from its beginning to its end: discovery
// over several pages, configurations, the first scan, pushes, a changed
// advisory, a project that goes, and deletion.
func TestGitLab(t *testing.T) {
	each(t, false, func(w *world) {
		for n := range 5 {
			w.gitlab.Add(w, fmt.Sprintf("team/app%d", n))
			w.gitlab.Commit(w, fmt.Sprintf("team/app%d.git", n), "", lock("lodash", "4.17.20"))
		}
		w.gitlab.Add(w, "team/prose")
		w.gitlab.Commit(w, "team/prose.git", "", map[string]string{"README.md": "words"})
		i := w.connect()
		if i.Status != inspector2.IntegrationStatusInProgress || i.AuthorizationUrl != nil {
			t.Fatalf("created as %v", i)
		}
		w.pass(0)
		if s, _ := w.status(i.IntegrationArn); s != inspector2.IntegrationStatusActive {
			t.Fatal("after discovery:", s)
		}
		all := w.projects()
		if len(all) != 6 {
			t.Fatalf("%d projects", len(all))
		}
		app := all["team/app0"]
		w.expect(app, "INACTIVE NO_SCAN_CONFIGURATION_ASSOCIATED")

		w.configure(onPush(), inspector2.ProjectSelectionScopeAll)
		w.pass(0)
		w.expect(app, "ACTIVE SUCCESSFUL lodash@4.17.20 ACTIVE")
		w.expect(all["team/prose"], "INACTIVE UNSUPPORTED_LANGUAGE")

		// The next look has the instance tell of pushes.
		w.pass(15 * time.Minute)
		hooks := w.gitlab.Hooks(1)
		if len(hooks) != 1 || !strings.HasPrefix(hooks[0].URL, "https://muster.example.com/code/111111111111/us-east-1/") {
			t.Fatalf("hooks: %v", hooks)
		}
		fixed := w.gitlab.Commit(w, "team/app0.git", "", lock("lodash", "4.17.21"))
		body := fmt.Sprintf(`{"object_kind":"push","ref":"refs/heads/main","after":%q,"project":{"id":1}}`, fixed)
		if code := w.notify(hooks[0], "wrong", body); code != http.StatusUnauthorized {
			t.Error("a wrong token:", code)
		}
		if code := w.notify(hooks[0], hooks[0].Token, "{"); code != http.StatusBadRequest {
			t.Error("a damaged notice:", code)
		}
		w.pass(time.Minute)
		w.expect(app, "ACTIVE SUCCESSFUL lodash@4.17.20 ACTIVE")
		if code := w.notify(hooks[0], hooks[0].Token, body); code != http.StatusOK {
			t.Error("a push:", code)
		}
		w.pass(0)
		w.expect(app, "ACTIVE SUCCESSFUL lodash@4.17.20 CLOSED")
		if got := w.projects()["team/app0"].Commit; got != fixed {
			t.Errorf("scanned %s, want %s", got, fixed)
		}

		// The advisory is corrected: without a fetch the finding opens again.
		before := w.gitlab.Fetches.Load()
		w.publish("lodash", "4.17.22")
		w.pass(time.Minute)
		w.expect(app, "ACTIVE SUCCESSFUL lodash@4.17.21 ACTIVE")
		if n := w.gitlab.Fetches.Load() - before; n != 0 {
			t.Errorf("%d fetches for a changed advisory", n)
		}

		w.gitlab.Remove("team/app1")
		w.pass(15 * time.Minute)
		w.expect(all["team/app1"], "lodash@4.17.20 CLOSED")
		if n := len(w.projects()); n != 5 {
			t.Errorf("%d projects after one went", n)
		}

		if _, err := w.desk.DeleteCodeSecurityIntegration(w.Context(), w.call(), &inspector2.DeleteCodeSecurityIntegrationInput{IntegrationArn: i.IntegrationArn}); err != nil {
			t.Fatal(err)
		}
		if s, _ := w.status(i.IntegrationArn); s != inspector2.IntegrationStatusDisabling {
			t.Error("while it is deleted:", s)
		}
		w.pass(0)
		if got := w.coverage(app); !strings.HasSuffix(got, "CLOSED") || strings.Contains(got, "SUCCESSFUL") {
			t.Error("after the deletion:", got)
		}
		if hooks := w.gitlab.Hooks(1); len(hooks) != 0 {
			t.Errorf("hooks that were left: %v", hooks)
		}
		if code := w.notify(hooks[0], hooks[0].Token, body); code != http.StatusUnauthorized {
			t.Error("a notice for a deleted integration:", code)
		}
		if _, err := w.desk.GetCodeSecurityIntegration(w.Context(), w.call(), &inspector2.GetCodeSecurityIntegrationInput{IntegrationArn: i.IntegrationArn}); err == nil {
			t.Error("the integration is still there")
		}
	})
}

// TestAuthorization: an administrator's token registers an application, whose
// tokens work once somebody has authorized it, and are refreshed in time.
func TestAuthorization(t *testing.T) {
	each(t, true, func(w *world) {
		w.gitlab.Add(w, "team/app")
		w.gitlab.Commit(w, "team/app.git", "", lock("lodash", "4.17.20"))
		w.configure(onPush(), inspector2.ProjectSelectionScopeAll)
		i := w.connect()
		if i.Status != inspector2.IntegrationStatusPending || i.AuthorizationUrl == nil || !strings.HasPrefix(*i.AuthorizationUrl, w.url+"/oauth/authorize?") {
			t.Fatalf("created as %+v", i)
		}
		w.gitlab.Revoke(token) // it was needed for that alone
		update := func(code string) error {
			_, err := w.desk.UpdateCodeSecurityIntegration(w.Context(), w.call(), &inspector2.UpdateCodeSecurityIntegrationInput{IntegrationArn: i.IntegrationArn,
				Details: &inspector2.UpdateIntegrationDetails{GitlabSelfManaged: &inspector2.UpdateGitLabSelfManagedIntegrationDetail{AuthCode: code}}})
			return err
		}
		w.pass(0)
		if err := update("wrong"); err == nil {
			t.Error("a wrong code is taken")
		}
		if s, _ := w.status(i.IntegrationArn); s != inspector2.IntegrationStatusPending {
			t.Error("after a wrong code:", s)
		}
		if err := update(forgetest.Code); err != nil {
			t.Fatal(err)
		}
		w.pass(0)
		out, err := w.desk.GetCodeSecurityIntegration(w.Context(), w.call(), &inspector2.GetCodeSecurityIntegrationInput{IntegrationArn: i.IntegrationArn})
		if err != nil || out.Status != inspector2.IntegrationStatusActive || out.AuthorizationUrl != nil {
			t.Fatalf("after the code: %+v, %v", out, err)
		}
		app := w.projects()["team/app"]
		w.expect(app, "ACTIVE SUCCESSFUL lodash@4.17.20 ACTIVE")

		w.gitlab.Revoke("given-1") // it has expired
		w.pass(2 * time.Hour)
		if s, why := w.status(i.IntegrationArn); s != inspector2.IntegrationStatusActive {
			t.Error("after the token's end:", s, why)
		}
		w.gitlab.Revoke("given-2") // somebody withdrew it
		w.pass(15 * time.Minute)
		if s, why := w.status(i.IntegrationArn); s != inspector2.IntegrationStatusInactive || !strings.Contains(why, "denied") {
			t.Error("after it was withdrawn:", s, why)
		}
		w.expect(app, "INACTIVE INTEGRATION_CONNECTION_LOST lodash@4.17.20 ACTIVE")
	})
}

// TestOutage: while an instance does not answer, what was found stays, and
// afterwards everything goes on by itself.
func TestOutage(t *testing.T) {
	each(t, false, func(w *world) {
		w.config.Address = "" // nobody tells of pushes
		w.open()
		w.gitlab.Add(w, "team/app")
		w.gitlab.Commit(w, "team/app.git", "", lock("lodash", "4.17.20"))
		i := w.connect()
		w.configure(onPush(), inspector2.ProjectSelectionScopeAll)
		w.pass(0)
		app := w.projects()["team/app"]
		w.expect(app, "ACTIVE SUCCESSFUL lodash@4.17.20 ACTIVE")
		w.gitlab.SetDown(true)
		w.pass(15 * time.Minute)
		w.expect(app, "INACTIVE INTEGRATION_CONNECTION_LOST lodash@4.17.20 ACTIVE")
		w.gitlab.SetDown(false)
		w.gitlab.Commit(w, "team/app.git", "", lock("lodash", "4.17.21"))
		w.pass(15 * time.Minute)
		if s, why := w.status(i.IntegrationArn); s != inspector2.IntegrationStatusActive {
			t.Error("after the outage:", s, why)
		}
		w.expect(app, "ACTIVE SUCCESSFUL lodash@4.17.20 CLOSED")

		// Switched off, nothing is kept; switched on, it is judged as it was.
		w.enable(account, activation.Disabled)
		w.pass(0)
		w.expect(app, "")
		w.publish("lodash", "4.17.22")
		w.enable(account, activation.Enabled)
		w.pass(0)
		w.expect(app, "ACTIVE SUCCESSFUL lodash@4.17.21 ACTIVE")
	})
}
