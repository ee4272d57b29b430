//! `decide(request, facts)`: a pure question with all facts on the table. Parses the policy file.
