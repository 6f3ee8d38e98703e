"""What Linux says of a pipe, one mechanism a file: it asks the kernel and translates its errors; it judges nothing."""
