package account

import (
	"context"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
)

// handleAbsent adds the operations on what cannot exist: nothing here creates
// it, so its lists are empty.
func (r *Room) handleAbsent(h *api.Handlers) {
	h.ListSSHPublicKeys = r.ListSSHPublicKeys
	h.ListSigningCertificates = r.ListSigningCertificates
	h.ListServiceSpecificCredentials = r.ListServiceSpecificCredentials
	h.ListServerCertificates = r.ListServerCertificates
	h.DeleteSigningCertificate = r.DeleteSigningCertificate
}

// none answers a list that is always empty: of the account, or of a user.
func (r *Room) none(ctx context.Context, call *awsmodel.Call, op string, user, marker *string) error {
	if _, err := r.desk.NewPage(call, op, user, marker, nil); err != nil {
		return err
	}
	if user == nil {
		return nil
	}
	return r.userExists(ctx, call, user)
}

// ListSSHPublicKeys lists no SSH public keys.
func (r *Room) ListSSHPublicKeys(ctx context.Context, call *awsmodel.Call, in *api.ListSSHPublicKeysInput) (*api.ListSSHPublicKeysOutput, error) {
	return &api.ListSSHPublicKeysOutput{SSHPublicKeys: []api.SSHPublicKeyMetadata{}, IsTruncated: new(false)},
		r.none(ctx, call, "ListSSHPublicKeys", in.UserName, in.Marker)
}

// ListSigningCertificates lists no signing certificates.
func (r *Room) ListSigningCertificates(ctx context.Context, call *awsmodel.Call, in *api.ListSigningCertificatesInput) (*api.ListSigningCertificatesOutput, error) {
	return &api.ListSigningCertificatesOutput{Certificates: []api.SigningCertificate{}, IsTruncated: new(false)},
		r.none(ctx, call, "ListSigningCertificates", in.UserName, in.Marker)
}

// ListServiceSpecificCredentials lists no credentials for single services.
func (r *Room) ListServiceSpecificCredentials(ctx context.Context, call *awsmodel.Call, in *api.ListServiceSpecificCredentialsInput) (*api.ListServiceSpecificCredentialsOutput, error) {
	return &api.ListServiceSpecificCredentialsOutput{ServiceSpecificCredentials: []api.ServiceSpecificCredentialMetadata{}, IsTruncated: new(false)},
		r.none(ctx, call, "ListServiceSpecificCredentials", in.UserName, in.Marker)
}

// ListServerCertificates lists no server certificates.
func (r *Room) ListServerCertificates(ctx context.Context, call *awsmodel.Call, in *api.ListServerCertificatesInput) (*api.ListServerCertificatesOutput, error) {
	return &api.ListServerCertificatesOutput{ServerCertificateMetadataList: []api.ServerCertificateMetadata{}, IsTruncated: new(false)},
		r.none(ctx, call, "ListServerCertificates", nil, in.Marker)
}

// DeleteSigningCertificate says that a user has no such certificate.
func (r *Room) DeleteSigningCertificate(ctx context.Context, call *awsmodel.Call, in *api.DeleteSigningCertificateInput) (*api.DeleteSigningCertificateOutput, error) {
	return nil, r.missing(ctx, call, in.UserName, "The Certificate with id %s cannot be found.", in.CertificateId)
}
