package logins

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/store"
	"muster/internal/store/identity"

	"rsc.io/qr"
)

const (
	// devicePrefix begins the unique ids of devices.
	devicePrefix = "AMFA"
	// maxDevices is how many devices a user may have.
	maxDevices = 8
	// seedSize is in bytes, as RFC 4226 recommends.
	seedSize = 20
	// enableDrift and resyncDrift are how many steps a device may be off when
	// it is enabled and resynchronized.
	enableDrift, resyncDrift = 2, 1000
)

// CreateVirtualMFADevice makes the secret that an authenticator is given, and
// shows it this once.
func (r *Room) CreateVirtualMFADevice(ctx context.Context, call *awsmodel.Call, in *api.CreateVirtualMFADeviceInput) (*api.CreateVirtualMFADeviceOutput, error) {
	if err := desk.CheckTags(in.Tags); err != nil {
		return nil, err
	}
	seed := make([]byte, seedSize)
	// It never fails; see crypto/rand.
	_, _ = rand.Read(seed)
	picture, err := qr.Encode(provisioning(seed, string(call.Account()), in.VirtualMFADeviceName), qr.M)
	if err != nil {
		return nil, err
	}
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.CreateVirtualMFADeviceOutput, error) {
		serial := arn.New("iam", "", call.Account(), "mfa"+desk.Value(in.Path, "/")+in.VirtualMFADeviceName)
		_, err := identity.MFADeviceBySerial(ctx, tx, call.Account(), serial)
		if err := desk.MustBeNew(err, "MFADevice entity at the same path and name already exists."); err != nil {
			return nil, err
		}
		d := identity.MFADevice{Account: call.Account(), Serial: serial, ID: desk.NewUniqueID(devicePrefix), Seed: r.keyring.Seal(string(serial), seed), CreatedAt: call.Time}
		if err := identity.PutMFADevice(ctx, tx, d); err != nil {
			return nil, err
		}
		if err := desk.PutTags(ctx, tx, d.Owner(), in.Tags); err != nil {
			return nil, err
		}
		return &api.CreateVirtualMFADeviceOutput{VirtualMFADevice: &api.VirtualMFADevice{
			SerialNumber: string(serial), Base32StringSeed: []byte(base32Text.EncodeToString(seed)), QRCodePNG: picture.PNG(), Tags: in.Tags,
		}}, nil
	})
}

func device(ctx context.Context, tx *store.Tx, account arn.AccountID, serial string) (identity.MFADevice, error) {
	d, err := identity.MFADeviceBySerial(ctx, tx, account, arn.ARN(serial))
	return d, desk.NoSuch(err, "MFA Device with serial number %s does not exist.", serial)
}

// owned finds a device that is enabled for a user.
func owned(ctx context.Context, tx *store.Tx, call *awsmodel.Call, name *string, serial string) (identity.User, identity.MFADevice, error) {
	u, err := user(ctx, tx, call, name)
	if err != nil {
		return u, identity.MFADevice{}, err
	}
	d, err := identity.MFADeviceBySerial(ctx, tx, call.Account(), arn.ARN(serial))
	if err == nil && d.UserID != u.ID {
		err = store.ErrNotFound
	}
	return u, d, desk.NoSuch(err, "MFA Device with serial number %s does not exist.", serial)
}

// EnableMFADevice makes a device the second factor of a user, once it has shown
// two codes in a row.
func (r *Room) EnableMFADevice(ctx context.Context, call *awsmodel.Call, in *api.EnableMFADeviceInput) (*api.EnableMFADeviceOutput, error) {
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.EnableMFADeviceOutput, error) {
		u, err := user(ctx, tx, call, &in.UserName)
		if err != nil {
			return nil, err
		}
		d, err := device(ctx, tx, call.Account(), in.SerialNumber)
		if err != nil {
			return nil, err
		}
		if d.UserID != "" {
			return nil, desk.Exists("MFA Device is already in use.")
		}
		others, err := identity.MFADevicesOf(ctx, tx, u.Account, u.ID)
		if err != nil {
			return nil, err
		}
		if len(others) >= maxDevices {
			return nil, desk.Quota("MfaDevicesPerUser", maxDevices)
		}
		if d.LastStep, err = r.codes(call, d, in.AuthenticationCode1, in.AuthenticationCode2, enableDrift); err != nil {
			return nil, err
		}
		d.UserID, d.EnabledAt = u.ID, call.Time
		return &api.EnableMFADeviceOutput{}, identity.PutMFADevice(ctx, tx, d)
	})
}

// codes is the time step of the second of two codes in a row.
func (r *Room) codes(call *awsmodel.Call, d identity.MFADevice, first, second string, width int64) (int64, error) {
	seed, err := r.keyring.Open(string(d.Serial), d.Seed)
	if err != nil {
		return 0, err
	}
	at, ok := consecutive(seed, first, second, call.Time, width)
	if !ok {
		return 0, &api.InvalidAuthenticationCodeException{Message: "Authentication code for device is not valid."}
	}
	return at, nil
}

// ResyncMFADevice takes two codes in a row of a device whose clock is off. A
// clock that has drifted is told from its codes; it must be set right to sign
// in, because codes are compared with the time.
func (r *Room) ResyncMFADevice(ctx context.Context, call *awsmodel.Call, in *api.ResyncMFADeviceInput) (*api.ResyncMFADeviceOutput, error) {
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.ResyncMFADeviceOutput, error) {
		_, d, err := owned(ctx, tx, call, &in.UserName, in.SerialNumber)
		if err != nil {
			return nil, err
		}
		if d.LastStep, err = r.codes(call, d, in.AuthenticationCode1, in.AuthenticationCode2, resyncDrift); err != nil {
			return nil, err
		}
		return &api.ResyncMFADeviceOutput{}, identity.PutMFADevice(ctx, tx, d)
	})
}

// DeactivateMFADevice takes a second factor from a user.
func (r *Room) DeactivateMFADevice(ctx context.Context, call *awsmodel.Call, in *api.DeactivateMFADeviceInput) (*api.DeactivateMFADeviceOutput, error) {
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.DeactivateMFADeviceOutput, error) {
		_, d, err := owned(ctx, tx, call, in.UserName, in.SerialNumber)
		if err != nil {
			return nil, err
		}
		// The secret stays: a device that is enabled again shows the same codes.
		d.UserID, d.EnabledAt = "", time.Time{}
		return &api.DeactivateMFADeviceOutput{}, identity.PutMFADevice(ctx, tx, d)
	})
}

// DeleteVirtualMFADevice deletes a device that nobody has.
func (r *Room) DeleteVirtualMFADevice(ctx context.Context, call *awsmodel.Call, in *api.DeleteVirtualMFADeviceInput) (*api.DeleteVirtualMFADeviceOutput, error) {
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.DeleteVirtualMFADeviceOutput, error) {
		d, err := device(ctx, tx, call.Account(), in.SerialNumber)
		if err != nil {
			return nil, err
		}
		if d.UserID != "" {
			return nil, desk.Conflict("MFA VirtualDevice in use. Must deactivate first.")
		}
		return &api.DeleteVirtualMFADeviceOutput{}, identity.DeleteMFADevice(ctx, tx, d)
	})
}

// ListMFADevices lists the second factors of a user.
func (r *Room) ListMFADevices(ctx context.Context, call *awsmodel.Call, in *api.ListMFADevicesInput) (*api.ListMFADevicesOutput, error) {
	p, err := r.desk.NewPage(call, "ListMFADevices", in.UserName, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return desk.View(ctx, r.desk, func(tx *store.Tx) (*api.ListMFADevicesOutput, error) {
		out := &api.ListMFADevicesOutput{MFADevices: []api.MFADevice{}, IsTruncated: new(false)}
		if in.UserName == nil && call.Principal.Kind == arn.RootUser {
			return out, nil
		}
		u, err := user(ctx, tx, call, in.UserName)
		if err != nil {
			return nil, err
		}
		list, err := identity.MFADevicesOf(ctx, tx, u.Account, u.ID)
		list, out.IsTruncated, out.Marker = desk.Slice(&p, list)
		for _, d := range list {
			out.MFADevices = append(out.MFADevices, api.MFADevice{UserName: u.Name, SerialNumber: string(d.Serial), EnableDate: desk.Seconds(d.EnabledAt)})
		}
		return out, err
	})
}

// GetMFADevice describes a device.
func (r *Room) GetMFADevice(ctx context.Context, call *awsmodel.Call, in *api.GetMFADeviceInput) (*api.GetMFADeviceOutput, error) {
	return desk.View(ctx, r.desk, func(tx *store.Tx) (*api.GetMFADeviceOutput, error) {
		d, err := device(ctx, tx, call.Account(), in.SerialNumber)
		if err != nil {
			return nil, err
		}
		out := &api.GetMFADeviceOutput{SerialNumber: string(d.Serial)}
		if d.UserID != "" {
			u, err := identity.UserByID(ctx, tx, d.Account, d.UserID)
			if err != nil {
				return nil, err
			}
			out.UserName, out.EnableDate = &u.Name, new(desk.Seconds(d.EnabledAt))
		}
		return out, nil
	})
}

// ListVirtualMFADevices lists the devices of the account.
func (r *Room) ListVirtualMFADevices(ctx context.Context, call *awsmodel.Call, in *api.ListVirtualMFADevicesInput) (*api.ListVirtualMFADevicesOutput, error) {
	p, err := r.desk.NewPage(call, "ListVirtualMFADevices", in.AssignmentStatus, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return desk.View(ctx, r.desk, func(tx *store.Tx) (*api.ListVirtualMFADevicesOutput, error) {
		all, err := identity.MFADevices(ctx, tx, call.Account())
		if err != nil {
			return nil, err
		}
		var kept []identity.MFADevice
		for _, d := range all {
			if in.AssignmentStatus == "" || in.AssignmentStatus == api.AssignmentStatusTypeAny || (d.UserID != "") == (in.AssignmentStatus == api.AssignmentStatusTypeAssigned) {
				kept = append(kept, d)
			}
		}
		out := &api.ListVirtualMFADevicesOutput{VirtualMFADevices: []api.VirtualMFADevice{}}
		kept, out.IsTruncated, out.Marker = desk.Slice(&p, kept)
		for _, d := range kept {
			shape, err := shapeOf(ctx, tx, d)
			if err != nil {
				return nil, err
			}
			out.VirtualMFADevices = append(out.VirtualMFADevices, shape)
		}
		return out, nil
	})
}

func shapeOf(ctx context.Context, tx *store.Tx, d identity.MFADevice) (api.VirtualMFADevice, error) {
	shape := api.VirtualMFADevice{SerialNumber: string(d.Serial)}
	if d.UserID == "" {
		return shape, nil
	}
	u, err := identity.UserByID(ctx, tx, d.Account, d.UserID)
	if errors.Is(err, store.ErrNotFound) {
		return shape, nil
	}
	shape.User = &api.User{Path: u.Path, UserName: u.Name, UserId: u.ID, Arn: string(u.ARN()), CreateDate: desk.Seconds(u.CreatedAt)}
	shape.EnableDate = new(desk.Seconds(d.EnabledAt))
	return shape, err
}
