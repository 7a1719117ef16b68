package activation

import (
	"context"
	"errors"

	"muster/internal/arn"
	"muster/internal/store"
)

// AutoEnable is what a delegated administrator switches on in a Region for
// accounts that join the organization.
type AutoEnable struct {
	EC2, ECR, Lambda, LambdaCode, CodeRepository bool
}

// Types lists the types that are switched on, in AWS's order.
func (a AutoEnable) Types() []ScanType {
	on := map[ScanType]bool{EC2: a.EC2, ECR: a.ECR, Lambda: a.Lambda, LambdaCode: a.LambdaCode, CodeRepository: a.CodeRepository}
	var types []ScanType
	for _, t := range ScanTypes() {
		if on[t] {
			types = append(types, t)
		}
	}
	return types
}

const autoEnableColumns = `ec2, ecr, lambda, lambda_code, code_repository`

func scanAutoEnable(s store.Scanner) (AutoEnable, error) {
	var a AutoEnable
	err := s.Scan(&a.EC2, &a.ECR, &a.Lambda, &a.LambdaCode, &a.CodeRepository)
	return a, err
}

// LookupAutoEnable returns an administrator's setting; nothing is switched on
// until somebody does.
func LookupAutoEnable(ctx context.Context, tx *store.Tx, administrator arn.AccountID, region arn.Region) (AutoEnable, error) {
	a, err := store.ReadOne(tx.QueryRow(ctx, `SELECT `+autoEnableColumns+` FROM inspector_auto_enable
		WHERE administrator = $1 AND region = $2`, administrator, region), scanAutoEnable)
	if errors.Is(err, store.ErrNotFound) {
		return AutoEnable{}, nil
	}
	return a, err
}

// PutAutoEnable sets an administrator's setting.
func PutAutoEnable(ctx context.Context, tx *store.Tx, administrator arn.AccountID, region arn.Region, a AutoEnable) error {
	_, err := tx.Exec(ctx, `INSERT INTO inspector_auto_enable (administrator, region, `+autoEnableColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (administrator, region) DO UPDATE SET ec2 = excluded.ec2, ecr = excluded.ecr,
			lambda = excluded.lambda, lambda_code = excluded.lambda_code, code_repository = excluded.code_repository`,
		administrator, region, a.EC2, a.ECR, a.Lambda, a.LambdaCode, a.CodeRepository)
	return err
}

// ResetAutoEnable switches everything off again.
func ResetAutoEnable(ctx context.Context, tx *store.Tx, administrator arn.AccountID, region arn.Region) error {
	_, err := tx.Exec(ctx, `DELETE FROM inspector_auto_enable WHERE administrator = $1 AND region = $2`, administrator, region)
	return err
}
