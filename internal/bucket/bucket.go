// Package bucket stores objects in an S3-compatible service.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// What can be wrong with a bucket.
var (
	ErrNoBucket    = errors.New("the bucket does not exist")
	ErrDenied      = errors.New("the bucket may not be written to")
	ErrOtherRegion = errors.New("the bucket is in another Region")
)

// Config says where the service is.
type Config struct {
	// Endpoint is its URL, Region what requests are signed for.
	Endpoint, Region     string
	AccessKey, SecretKey string
	// KMS says whether the service encrypts under a key that is named.
	KMS bool
}

// Client stores objects. It is safe for concurrent use.
type Client struct {
	s3  *s3.Client
	kms bool
}

// New returns a client. It connects to nothing yet.
func New(c Config) *Client {
	return &Client{s3.New(s3.Options{
		BaseEndpoint: aws.String(c.Endpoint), Region: c.Region, UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: c.AccessKey, SecretAccessKey: c.SecretKey}, nil
		}),
		// Checksums in trailers are not everybody's.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}), c.KMS}
}

// Check reports what is wrong with a bucket.
func (c *Client) Check(ctx context.Context, name string) error {
	_, err := c.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name})
	return told(err)
}

// partSize is from which size objects are sent in parts, and how long those
// are; S3 takes 10,000 parts.
const partSize = 64 << 20

// Put stores the content of a file. An object that could not be stored whole is
// not stored.
func (c *Client) Put(ctx context.Context, name, key string, f *os.File, contentType, kmsKey string) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() > partSize {
		return told(c.putParts(ctx, name, key, f, info.Size(), contentType, kmsKey))
	}
	in := &s3.PutObjectInput{Bucket: &name, Key: &key, Body: io.NewSectionReader(f, 0, info.Size()), ContentLength: aws.Int64(info.Size()), ContentType: &contentType}
	if c.kms {
		in.ServerSideEncryption, in.SSEKMSKeyId = types.ServerSideEncryptionAwsKms, &kmsKey
	}
	_, err = c.s3.PutObject(ctx, in)
	return told(err)
}

func (c *Client) putParts(ctx context.Context, name, key string, f *os.File, size int64, contentType, kmsKey string) error {
	in := &s3.CreateMultipartUploadInput{Bucket: &name, Key: &key, ContentType: &contentType}
	if c.kms {
		in.ServerSideEncryption, in.SSEKMSKeyId = types.ServerSideEncryptionAwsKms, &kmsKey
	}
	upload, err := c.s3.CreateMultipartUpload(ctx, in)
	if err != nil {
		return err
	}
	var parts []types.CompletedPart
	for at := int64(0); at < size; at += partSize {
		number := aws.Int32(int32(len(parts) + 1))
		part, err := c.s3.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &name, Key: &key, UploadId: upload.UploadId, PartNumber: number,
			Body: io.NewSectionReader(f, at, min(partSize, size-at)), ContentLength: aws.Int64(min(partSize, size-at)),
		})
		if err != nil {
			_, abort := c.s3.AbortMultipartUpload(context.WithoutCancel(ctx), &s3.AbortMultipartUploadInput{Bucket: &name, Key: &key, UploadId: upload.UploadId})
			return errors.Join(err, abort)
		}
		parts = append(parts, types.CompletedPart{ETag: part.ETag, PartNumber: number})
	}
	_, err = c.s3.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &name, Key: &key, UploadId: upload.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	return err
}

// ReadAt returns up to n bytes of an object from an offset.
func (c *Client) ReadAt(ctx context.Context, name, key string, offset int64, n int) ([]byte, error) {
	out, err := c.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &name, Key: &key, Range: aws.String(fmt.Sprintf("bytes=%d-%d", offset, offset+int64(n)-1))})
	if err != nil {
		return nil, told(err)
	}
	defer func() { _ = out.Body.Close() }()
	return io.ReadAll(io.LimitReader(out.Body, int64(n)))
}

// told puts a service's error into this package's words where there are some.
func told(err error) error {
	if err == nil {
		return nil
	}
	status := 0
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		status = answer.HTTPStatusCode()
	}
	code := ""
	if refusal, ok := errors.AsType[smithy.APIError](err); ok {
		code = refusal.ErrorCode()
	}
	switch {
	case code == "NoSuchBucket" || code == "NotFound" || status == http.StatusNotFound:
		return fmt.Errorf("%w: %w", ErrNoBucket, err)
	case status == http.StatusForbidden:
		return fmt.Errorf("%w: %w", ErrDenied, err)
	case status == http.StatusMovedPermanently || code == "PermanentRedirect" || code == "AuthorizationHeaderMalformed":
		return fmt.Errorf("%w: %w", ErrOtherRegion, err)
	}
	return err
}
