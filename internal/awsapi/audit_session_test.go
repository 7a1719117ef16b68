package awsapi

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
)

// TestSessionsInRecords shows what records say of temporary credentials.
func TestSessionsInRecords(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		principal arn.Principal
		want      string
	}{
		"long-term key": {arn.Principal{Kind: arn.User, Account: "111111111111"}, `null`},
		"role": {
			arn.Principal{Kind: arn.AssumedRole, Account: "111111111111", ID: "AROA1:run", RoleARN: "arn:aws:iam::111111111111:role/x/Ops", Session: &arn.Session{IssuedAt: at, SourceIdentity: "ada"}},
			`{"sessionIssuer":{"type":"Role","principalId":"AROA1","arn":"arn:aws:iam::111111111111:role/x/Ops","accountId":"111111111111","userName":"Ops"},` +
				`"attributes":{"creationDate":"2026-11-22T10:00:00Z","mfaAuthenticated":"false"},"sourceIdentity":"ada"}`,
		},
		"root task": {
			arn.Principal{Kind: arn.RootUser, Account: "111111111111", Session: &arn.Session{IssuedAt: at, Origin: arn.FromAssumeRoot}},
			`{"attributes":{"creationDate":"2026-11-22T10:00:00Z","mfaAuthenticated":"false"},"assumedRoot":"true"}`,
		},
		"user's own": {
			arn.Principal{Kind: arn.User, Account: "111111111111", Session: &arn.Session{IssuedAt: at, Origin: arn.FromGetSessionToken}},
			`{"attributes":{"creationDate":"2026-11-22T10:00:00Z","mfaAuthenticated":"false"}}`,
		},
	} {
		got, err := json.Marshal(sessionContext(c.principal))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

// told is a refusal that has a sealed reason.
type told struct{ error }

func (told) EncodedMessage() string { return "sealed" }

func TestReasonsOfRefusals(t *testing.T) {
	fault := &awsmodel.Fault{Code: "AccessDenied", Message: "no", Status: 403}
	if got := reasonOf(fmt.Errorf("wrapped: %w", told{fault})); got != "sealed" {
		t.Errorf("reason %q", got)
	}
	if got := reasonOf(fault); got != "" {
		t.Errorf("reason %q of a refusal without one", got)
	}
}
