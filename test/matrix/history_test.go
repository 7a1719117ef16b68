package matrix

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"muster/internal/arn"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// history makes random steps in an organization.
type history struct {
	w     *world
	rt    *rapid.T
	names []string
	log   []string
	// expected are the beginnings of the gains that the last step may bring.
	expected []string
}

func (h *history) attempt(account string, region arn.Region, action, input string, args ...any) bool {
	input = fmt.Sprintf(input, args...)
	_, err := h.w.try(h.w.root(account), region, action, input)
	if _, refused := unwrap(err); err != nil && !refused {
		h.rt.Fatalf("%s by %s: %v", action, account, err)
	}
	h.log = append(h.log, fmt.Sprintf("%s by %s in %s of %s: %v", action, account, region, input, err))
	return err == nil
}

func (h *history) anyone() string {
	return rapid.SampledFrom(h.names).Draw(h.rt, "account")
}

func (h *history) anywhere() arn.Region { return rapid.SampledFrom(regions).Draw(h.rt, "region") }

// administrator is the delegated administrator of a Region, or anyone.
func (h *history) administrator(region arn.Region) string {
	for _, n := range h.names {
		op := h.w.operations["inspector2:ListMembers"]
		if h.w.access.Authorize(h.w.t.Context(), h.w.call(h.w.root(n), region), &op, op.NewInput()) == nil {
			return n
		}
	}
	return h.anyone()
}

func (h *history) designate() {
	target, region := rapid.SampledFrom([]string{"a", "a", "a", "b", "head"}).Draw(h.rt, "target"), h.anywhere()
	h.attempt("head", region, "inspector2:EnableDelegatedAdminAccount", `{"DelegatedAdminAccountId":%q}`, h.w.accounts[target])
	// The administrator may read the organization everywhere and lead here.
	h.expected = []string{target + " in " + string(region) + " may call ", target + " in " + string(other(region)) + " may call organizations:"}
}

func other(region arn.Region) arn.Region { return regions[1-slices.Index(regions, region)] }

func (h *history) undesignate() {
	region := h.anywhere()
	who := h.administrator(region)
	h.attempt("head", region, "inspector2:DisableDelegatedAdminAccount", `{"DelegatedAdminAccountId":%q}`, h.w.accounts[who])
	// Who is not the administrator any more may ask who is.
	h.expected = []string{who + " in " + string(region) + " may call inspector2:GetDelegatedAdminAccount", who + " in " + string(region) + " may call inspector2:ListDelegatedAdminAccounts"}
	if who != "head" {
		h.expected = h.expected[:1]
	}
}

func (h *history) associate() {
	region := h.anywhere()
	leader, target := h.administrator(region), h.anyone()
	h.attempt(leader, region, "inspector2:AssociateMember", `{"AccountId":%q}`, h.w.accounts[target])
	h.expected = []string{leader + " in " + string(region) + " sees " + target}
}

func (h *history) disassociate() {
	region := h.anywhere()
	h.attempt(h.administrator(region), region, "inspector2:DisassociateMember", `{"AccountId":%q}`, h.w.accounts[h.anyone()])
}

func (h *history) leave() {
	h.attempt(h.anyone(), there, "organizations:LeaveOrganization", `{}`)
}

func (h *history) remove() {
	h.attempt("head", there, "organizations:RemoveAccountFromOrganization", `{"AccountId":%q}`, h.w.accounts[h.anyone()])
}

// rejoin puts an account back that stands alone.
func (h *history) rejoin() {
	name := h.anyone()
	alone := false
	h.w.must(h.w.store.View(h.w.t.Context(), func(tx *store.Tx) error {
		_, err := directory.OrganizationOf(h.w.t.Context(), tx, h.w.accounts[name])
		alone = err != nil
		return nil
	}))
	if !alone || name == "head" {
		return
	}
	h.w.join("head", name)
	h.log = append(h.log, name+" joins")
	for _, r := range regions {
		h.expected = append(h.expected, name+" in "+string(r)+" may call organizations:DescribeOrganization", name+" in "+string(r)+" may call inspector2:GetDelegatedAdminAccount")
	}
}

// ended are what administrators gain when they are none any more.
func (h *history) ended() {
	for _, n := range h.names {
		for _, r := range regions {
			h.expected = append(h.expected, n+" in "+string(r)+" may call inspector2:GetDelegatedAdminAccount")
		}
	}
	for _, r := range regions {
		h.expected = append(h.expected, "head in "+string(r)+" may call inspector2:ListDelegatedAdminAccounts")
	}
}

func (h *history) distrust() {
	h.attempt("head", there, "organizations:DisableAWSServiceAccess", `{"ServicePrincipal":%q}`, organizations.InspectorPrincipal)
	h.ended()
}

func (h *history) deregister() {
	h.attempt("head", there, "organizations:DeregisterDelegatedAdministrator", `{"ServicePrincipal":%q,"AccountId":%q}`, organizations.InspectorPrincipal, h.w.accounts[h.anyone()])
	h.ended()
}

func (h *history) register() {
	target := rapid.SampledFrom([]string{"a", "b"}).Draw(h.rt, "target")
	h.attempt("head", there, "organizations:EnableAWSServiceAccess", `{"ServicePrincipal":"config.amazonaws.com"}`)
	h.attempt("head", there, "organizations:RegisterDelegatedAdministrator", `{"ServicePrincipal":"config.amazonaws.com","AccountId":%q}`, h.w.accounts[target])
	for _, r := range regions {
		h.expected = append(h.expected, target+" in "+string(r)+" may call organizations:")
	}
}

// seen are the accounts in the answer to BatchGetAccountStatus.
func (w *world) seen(out any) []string {
	var ids []string
	for _, a := range out.(*inspector2.BatchGetAccountStatusOutput).Accounts {
		ids = append(ids, a.AccountId)
	}
	return ids
}
