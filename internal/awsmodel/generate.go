package awsmodel

//go:generate go run ./modelgen
