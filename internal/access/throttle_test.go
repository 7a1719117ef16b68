package access_test

import (
	"errors"
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/access/throttle"
	"muster/internal/arn"
	"muster/internal/awsmodel/organizations"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/handshakes"
)

// TestQuickCallersAreRefused: each account by itself, whether or not it may
// call at all.
func TestQuickCallersAreRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.desk = access.New(access.Config{Store: w.store, Keys: w.keys, Throttle: throttle.New()})
		for _, p := range []arn.Principal{root(home), w.user("ada"), root(away)} {
			want := 12
			if p.Kind != arn.RootUser {
				want = 0 // the root user of the account has used up its calls
			}
			n, quick := 0, false
			for !quick {
				err := w.authorize(p, "organizations", "ListAccounts", &organizations.ListAccountsInput{})
				if _, quick = errors.AsType[*organizations.TooManyRequestsException](err); !quick {
					n++
				}
			}
			if n != want {
				t.Errorf("%s: %d calls, want %d", p.ARN, n, want)
			}
		}
		w.now = w.now.Add(time.Minute)
		w.must(w.authorize(root(home), "organizations", "ListAccounts", &organizations.ListAccountsInput{}))
	})
}

// TestHandshakesAreTheSendersResources: the recipient's policies name them by
// the sender's ARN.
func TestHandshakesAreTheSendersResources(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.must(w.store.Update(t.Context(), func(tx *store.Tx) error {
			return handshakes.Insert(t.Context(), tx, handshakes.Handshake{
				ID: "h-abcdefgh", Org: directory.OrganizationID("o-otherorgid0"), Management: away, Action: handshakes.Invite,
				State: handshakes.Requested, Account: home, RequestedAt: w.now, ExpiresAt: w.now.Add(time.Hour),
			})
		}))
		const resource = "arn:aws:organizations::222222222222:handshake/o-otherorgid0/invite/h-abcdefgh"
		eve := w.user("eve", allow("organizations:AcceptHandshake", resource))
		w.must(w.authorize(eve, "organizations", "AcceptHandshake", &organizations.AcceptHandshakeInput{HandshakeId: "h-abcdefgh"}))
		w.refused(w.authorize(eve, "organizations", "DeclineHandshake", &organizations.DeclineHandshakeInput{HandshakeId: "h-abcdefgh"}), 400, "AccessDeniedException",
			"User: arn:aws:iam::111111111111:user/eve is not authorized to perform: organizations:DeclineHandshake on resource: "+resource+" because no identity-based policy allows the organizations:DeclineHandshake action")
		w.refused(w.authorize(eve, "organizations", "AcceptHandshake", &organizations.AcceptHandshakeInput{HandshakeId: "h-00000000"}), 400, "AccessDeniedException",
			"User: arn:aws:iam::111111111111:user/eve is not authorized to perform: organizations:AcceptHandshake on resource: * because no identity-based policy allows the organizations:AcceptHandshake action")
	})
}

// TestInvitationsWithTagsNeedTagging: the tags are put on what joins.
func TestInvitationsWithTagsNeedTagging(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ivy := w.user("ivy", allow("organizations:InviteAccountToOrganization", "*"))
		in := &organizations.InviteAccountToOrganizationInput{Target: &organizations.HandshakeParty{Id: "333333333333", Type: organizations.HandshakePartyTypeAccount}}
		w.must(w.authorize(ivy, "organizations", "InviteAccountToOrganization", in))
		in.Tags = []organizations.Tag{{Key: "team", Value: "red"}}
		w.refused(w.authorize(ivy, "organizations", "InviteAccountToOrganization", in), 400, "AccessDeniedException",
			"User: arn:aws:iam::111111111111:user/ivy is not authorized to perform: organizations:TagResource on resource: * because no identity-based policy allows the organizations:TagResource action")
	})
}
