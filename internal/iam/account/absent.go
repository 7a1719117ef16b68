package account

import (
	"context"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
)

// handleAbsent adds the operations on what cannot exist: nothing here creates
// it, so its lists are empty.
func (r *Room) handleAbsent(h *api.Handlers) {
	h.ListMFADevices = r.ListMFADevices
	h.ListSSHPublicKeys = r.ListSSHPublicKeys
	h.ListSigningCertificates = r.ListSigningCertificates
	h.ListServiceSpecificCredentials = r.ListServiceSpecificCredentials
	h.ListVirtualMFADevices = r.ListVirtualMFADevices
	h.ListServerCertificates = r.ListServerCertificates
	h.GetLoginProfile = r.GetLoginProfile
	h.DeleteLoginProfile = r.DeleteLoginProfile
	h.DeactivateMFADevice = r.DeactivateMFADevice
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

// ListMFADevices lists no MFA devices.
func (r *Room) ListMFADevices(ctx context.Context, call *awsmodel.Call, in *api.ListMFADevicesInput) (*api.ListMFADevicesOutput, error) {
	return &api.ListMFADevicesOutput{MFADevices: []api.MFADevice{}, IsTruncated: new(false)},
		r.none(ctx, call, "ListMFADevices", in.UserName, in.Marker)
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

// ListVirtualMFADevices lists no virtual MFA devices.
func (r *Room) ListVirtualMFADevices(ctx context.Context, call *awsmodel.Call, in *api.ListVirtualMFADevicesInput) (*api.ListVirtualMFADevicesOutput, error) {
	return &api.ListVirtualMFADevicesOutput{VirtualMFADevices: []api.VirtualMFADevice{}, IsTruncated: new(false)},
		r.none(ctx, call, "ListVirtualMFADevices", nil, in.Marker)
}

// ListServerCertificates lists no server certificates.
func (r *Room) ListServerCertificates(ctx context.Context, call *awsmodel.Call, in *api.ListServerCertificatesInput) (*api.ListServerCertificatesOutput, error) {
	return &api.ListServerCertificatesOutput{ServerCertificateMetadataList: []api.ServerCertificateMetadata{}, IsTruncated: new(false)},
		r.none(ctx, call, "ListServerCertificates", nil, in.Marker)
}

// GetLoginProfile says that a user has no password.
func (r *Room) GetLoginProfile(ctx context.Context, call *awsmodel.Call, in *api.GetLoginProfileInput) (*api.GetLoginProfileOutput, error) {
	return nil, r.noLogin(ctx, call, in.UserName)
}

// DeleteLoginProfile says that a user has no password.
func (r *Room) DeleteLoginProfile(ctx context.Context, call *awsmodel.Call, in *api.DeleteLoginProfileInput) (*api.DeleteLoginProfileOutput, error) {
	return nil, r.noLogin(ctx, call, in.UserName)
}

func (r *Room) noLogin(ctx context.Context, call *awsmodel.Call, user *string) error {
	return r.missing(ctx, call, user, "Login Profile for User %s cannot be found.", desk.Value(user, string(call.Principal.ARN)))
}

// DeactivateMFADevice says that a user has no such device.
func (r *Room) DeactivateMFADevice(ctx context.Context, call *awsmodel.Call, in *api.DeactivateMFADeviceInput) (*api.DeactivateMFADeviceOutput, error) {
	return nil, r.missing(ctx, call, in.UserName, "MFA Device with serial number %s does not exist.", in.SerialNumber)
}

// DeleteSigningCertificate says that a user has no such certificate.
func (r *Room) DeleteSigningCertificate(ctx context.Context, call *awsmodel.Call, in *api.DeleteSigningCertificateInput) (*api.DeleteSigningCertificateOutput, error) {
	return nil, r.missing(ctx, call, in.UserName, "The Certificate with id %s cannot be found.", in.CertificateId)
}
