package organizations_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"muster/internal/arn"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/storetest"

	"pgregory.net/rapid"
)

// offered is an invitation as the model knows it.
type offered struct {
	head, guest arn.AccountID
	state       string
	expires     time.Time
}

// history is one random story of invitations, beside what must come of it.
type history struct {
	*world
	t *rapid.T
	// heads lead organizations, guests belong to one of them or to none.
	heads, guests []arn.AccountID
	in            map[arn.AccountID]arn.AccountID
	offers        map[string]*offered
	ids           []string
}

// TestInvitationsFollowTheModel plays random histories of invitations, answers,
// departures and time against a few lines that say what must happen.
func TestInvitationsFollowTheModel(t *testing.T) {
	former := flag.Lookup("rapid.checks").Value.String()
	if err := flag.Set("rapid.checks", "25"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = flag.Set("rapid.checks", former) }()
	c := newClock()
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t), store.Options{Now: c.Now}), c, organizations.Options{})
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{world: w, t: rt, in: map[arn.AccountID]arn.AccountID{}, offers: map[string]*offered{}}
		for range 2 {
			n++
			head := w.mustFound(t, fmt.Sprintf("head%d", n)).management
			h.heads, h.in[head] = append(h.heads, head), head
		}
		for range 2 {
			n++
			h.guests = append(h.guests, w.mustSignUp(t, fmt.Sprintf("guest%d", n)))
		}
		steps := map[string]func(){
			"invite": h.invite, "accept": h.accept, "decline": h.decline, "cancel": h.cancel, "leave": h.leave, "wait": h.wait,
		}
		for range 30 {
			steps[rapid.SampledFrom([]string{"invite", "invite", "accept", "accept", "decline", "cancel", "leave", "wait"}).Draw(rt, "step")]()
			h.compare()
		}
	})
}

func (h *history) call(caller arn.AccountID, op, input, want string) any {
	out, err := h.do(h.t.Context(), caller, op, []byte(input))
	if got := code(err); got != want {
		h.t.Fatalf("%s by %s of %s: %q, want %q", op, caller, input, got, want)
	}
	return out
}

func (h *history) pending(o *offered) bool {
	return o.state == "REQUESTED" && h.clock.Now().Before(o.expires)
}

func (h *history) invite() {
	head, guest := rapid.SampledFrom(h.heads).Draw(h.t, "head"), rapid.SampledFrom(append(h.heads, h.guests...)).Draw(h.t, "guest")
	want := ""
	if h.in[guest] != "" {
		want = "HandshakeConstraintViolationException"
	}
	sent := 0
	for _, o := range h.offers {
		if want == "" && o.head == head && o.guest == guest && h.pending(o) {
			want = "DuplicateHandshakeException"
		}
		if o.head == head && o.state != "ACCEPTED" && h.clock.Now().Before(o.expires.Add(-14*24*time.Hour)) {
			sent++
		}
	}
	if want == "" && sent >= 20 {
		want = "HandshakeConstraintViolationException"
	}
	out := h.call(head, "InviteAccountToOrganization", fmt.Sprintf(`{"Target":{"Type":"ACCOUNT","Id":"%s"}}`, guest), want)
	if want == "" {
		id := *out.(*api.InviteAccountToOrganizationOutput).Handshake.Id
		h.ids = append(h.ids, id)
		h.offers[id] = &offered{head, guest, "REQUESTED", h.clock.Now().Add(15 * 24 * time.Hour)}
	}
}

// answer draws a handshake and who answers it, and says what must come of it.
func (h *history) answer(op, to string, mine func(*offered) arn.AccountID) {
	if len(h.ids) == 0 {
		return
	}
	id := rapid.SampledFrom(h.ids).Draw(h.t, "handshake")
	caller := rapid.SampledFrom(append(h.heads, h.guests...)).Draw(h.t, "caller")
	o := h.offers[id]
	want := ""
	switch {
	case caller != o.head && caller != o.guest:
		want = "HandshakeNotFoundException"
	case caller != mine(o):
		want = "AccessDeniedException"
	case o.state == to:
		want = "HandshakeAlreadyInStateException"
	case !h.pending(o):
		want = "InvalidHandshakeTransitionException"
	case to == "ACCEPTED" && h.in[caller] != "":
		want = "HandshakeConstraintViolationException"
	}
	h.call(caller, op, `{"HandshakeId":"`+id+`"}`, want)
	if want == "" {
		o.state = to
		if to == "ACCEPTED" {
			h.in[caller] = o.head
		}
	}
}

func guestOf(o *offered) arn.AccountID { return o.guest }
func headOf(o *offered) arn.AccountID  { return o.head }

func (h *history) accept()  { h.answer("AcceptHandshake", "ACCEPTED", guestOf) }
func (h *history) decline() { h.answer("DeclineHandshake", "DECLINED", guestOf) }
func (h *history) cancel()  { h.answer("CancelHandshake", "CANCELED", headOf) }

func (h *history) leave() {
	guest, want := rapid.SampledFrom(h.guests).Draw(h.t, "guest"), ""
	if h.in[guest] == "" {
		want = "AWSOrganizationsNotInUseException"
	}
	h.call(guest, "LeaveOrganization", `{}`, want)
	delete(h.in, guest)
}

// wait lets time pass, with the jobs done or still to do: that is no
// difference. Handshakes stay listed for longer than the stories last.
func (h *history) wait() {
	h.clock.advance(time.Duration(rapid.IntRange(0, 20).Draw(h.t, "hours")) * time.Hour)
	if rapid.Bool().Draw(h.t, "jobs") {
		if err := h.run(h.t.Context()); err != nil {
			h.t.Fatal(err)
		}
	}
}

// compare looks at every handshake through both parties' eyes, and at where
// everybody is.
func (h *history) compare() {
	for id, o := range h.offers {
		want := o.state
		if want == "REQUESTED" && !h.pending(o) {
			want = "EXPIRED"
		}
		for _, eyes := range []arn.AccountID{o.head, o.guest} {
			out := h.call(eyes, "DescribeHandshake", `{"HandshakeId":"`+id+`"}`, "")
			if got := string(out.(*api.DescribeHandshakeOutput).Handshake.State); got != want {
				h.t.Fatalf("%s is %s, want %s", id, got, want)
			}
		}
	}
	for _, guest := range h.guests {
		if head := h.in[guest]; head != "" {
			out := h.call(guest, "DescribeOrganization", `{}`, "")
			if got := *out.(*api.DescribeOrganizationOutput).Organization.MasterAccountId; got != string(head) {
				h.t.Fatalf("%s is in the organization of %s, want %s", guest, got, head)
			}
			continue
		}
		h.call(guest, "DescribeOrganization", `{}`, "AWSOrganizationsNotInUseException")
	}
}
