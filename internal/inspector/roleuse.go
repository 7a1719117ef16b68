package inspector

import (
	"context"
	"errors"
	"maps"
	"slices"

	"muster/internal/arn"
	"muster/internal/iam"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/activation"
)

var _ iam.Usage = (*Service)(nil)

// organizationsHome is the Region that stands for Organizations, which has
// none.
const organizationsHome = "us-east-1"

// InUse returns what keeps the role of a service principal in an account from
// being deleted, by Region: Inspector's activations and, for its first role,
// the organization's trust. Other services' roles are in nobody's use here.
func (*Service) InUse(ctx context.Context, tx *store.Tx, account arn.AccountID, servicePrincipal string) ([]iam.RoleUsage, error) {
	if servicePrincipal != organizations.InspectorPrincipal && servicePrincipal != agentlessPrincipal {
		return nil, nil
	}
	everywhere, err := activation.ScansEverywhere(ctx, tx, account)
	if err != nil {
		return nil, err
	}
	var uses []iam.RoleUsage
	for _, region := range slices.Sorted(maps.Keys(everywhere)) {
		if everywhere[region].Active() {
			uses = append(uses, iam.RoleUsage{Region: region})
		}
	}
	if servicePrincipal != organizations.InspectorPrincipal {
		return uses, nil
	}
	m, err := organizations.Of(ctx, tx, account)
	if errors.Is(err, store.ErrNotFound) {
		return uses, nil
	}
	if err != nil {
		return nil, err
	}
	trusted, err := organizations.TrustedAccessEnabled(ctx, tx, m.Org, servicePrincipal)
	if trusted {
		organization := arn.New("organizations", "", m.Management, "organization/"+string(m.Org))
		uses = append(uses, iam.RoleUsage{Region: organizationsHome, Resources: []arn.ARN{organization}})
	}
	return uses, err
}
