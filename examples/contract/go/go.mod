module sidecar-contract

go 1.21
