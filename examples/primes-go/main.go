// Factorises numbers: {"number": "1000000016000000063"} gives {"factors": ["1000000007", "1000000009"]}.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"sort"
)

type event struct {
	Number string `json:"number"`
}

type answer struct {
	Factors []string `json:"factors"`
}

func handle(request invocation) (interface{}, error) {
	var given event
	if err := json.Unmarshal(request.event, &given); err != nil {
		return nil, fmt.Errorf("the event is no {\"number\": \"...\"}: %w", err)
	}
	number, ok := new(big.Int).SetString(given.Number, 10)
	if !ok || number.Cmp(big.NewInt(2)) < 0 || number.BitLen() > 80 {
		return nil, errors.New("number must be text of a whole number from 2 to 2^80")
	}
	fmt.Printf("factorising %s until %s\n", number, request.deadline.Format("15:04:05"))
	factors := factorise(number)
	sort.Slice(factors, func(i, j int) bool { return factors[i].Cmp(factors[j]) < 0 })
	result := answer{}
	for _, factor := range factors {
		result.Factors = append(result.Factors, factor.String())
	}
	return result, nil
}

// Pollard's rho, until what is left is prime.
func factorise(number *big.Int) []*big.Int {
	one := big.NewInt(1)
	if number.Cmp(one) == 0 {
		return nil
	}
	if number.ProbablyPrime(20) {
		return []*big.Int{number}
	}
	for constant := int64(1); ; constant++ {
		divisor := findDivisor(number, big.NewInt(constant))
		if divisor.Cmp(number) != 0 {
			return append(factorise(divisor), factorise(new(big.Int).Div(number, divisor))...)
		}
	}
}

func findDivisor(number, constant *big.Int) *big.Int {
	if number.Bit(0) == 0 {
		return big.NewInt(2)
	}
	step := func(x *big.Int) *big.Int {
		x.Mul(x, x).Add(x, constant)
		return x.Mod(x, number)
	}
	slow, fast, divisor := big.NewInt(2), big.NewInt(2), big.NewInt(1)
	for divisor.Cmp(big.NewInt(1)) == 0 {
		step(slow)
		step(step(fast))
		difference := new(big.Int).Sub(slow, fast)
		divisor.GCD(nil, nil, difference.Abs(difference), number)
	}
	return divisor
}

func main() {
	serve(handle)
}
