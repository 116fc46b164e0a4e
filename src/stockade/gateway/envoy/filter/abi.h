/* What Envoy offers a dynamic module, and what it asks of one: the part of its ABI v0.2.0 (Envoy 1.40) that we use.
 * Names and layouts are the ABI's. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct { const char *ptr; size_t length; } buffer;
typedef struct { const char *key; size_t key_length; const char *value; size_t value_length; } header;

#define CALL(name) envoy_dynamic_module_callback_##name
size_t CALL(http_get_headers_size)(void *filter, int kind);
bool CALL(http_get_headers)(void *filter, int kind, header *out);
bool CALL(http_set_header)(void *filter, int kind, buffer key, buffer value);
bool CALL(http_add_header)(void *filter, int kind, buffer key, buffer value);
void CALL(http_send_response_headers)(void *filter, header *headers, size_t count, bool ends);
void CALL(http_send_response_data)(void *filter, buffer data, bool ends);
void CALL(http_send_response_trailers)(void *filter, header *trailers, size_t count);
size_t CALL(http_get_body_size)(void *filter, int kind);
size_t CALL(http_get_body_chunks_size)(void *filter, int kind);
bool CALL(http_get_body_chunks)(void *filter, int kind, buffer *out);
bool CALL(http_drain_body)(void *filter, int kind, size_t count);
bool CALL(http_append_body)(void *filter, int kind, buffer data);
void CALL(http_set_buffer_limit)(void *filter, uint64_t limit);
bool CALL(http_filter_get_attribute_string)(void *filter, int attribute, buffer *out);
bool CALL(http_filter_get_attribute_int)(void *filter, int attribute, uint64_t *out);
bool CALL(http_get_downstream_direct_remote_address)(void *filter, buffer *out);  /* address:port */
void CALL(http_clear_route_cache)(void *filter);
void CALL(http_filter_continue_decoding)(void *filter);
void CALL(http_filter_continue_encoding)(void *filter);
void CALL(http_filter_reset_stream)(void *filter, int reason, buffer details);
void *CALL(http_filter_scheduler_new)(void *filter);
void CALL(http_filter_scheduler_commit)(void *scheduler, uint64_t event);
void CALL(http_filter_scheduler_delete)(void *scheduler);

enum { REQUEST = 0, RESPONSE = 2, RESPONSE_TRAILERS = 3 };
enum { RECEIVED_REQUEST = 0, BUFFERED_REQUEST = 1, RECEIVED_RESPONSE = 2, BUFFERED_RESPONSE = 3 };

/* What a hook answers. */
enum { CONTINUE = 0, STOP = 1, STOP_ALL_AND_BUFFER = 3 };  /* of heads; a body is buffered while it is stopped */
enum { STOP_READING = 2, DROP = 3 };                        /* of bodies: buffer up to the limit, or not at all */
enum { ATTRIBUTE_PROTOCOL = 10, ATTRIBUTE_STATUS = 15, ATTRIBUTE_SOURCE = 24, ATTRIBUTE_TLS = 31,
       ATTRIBUTE_PEER_SUBJECT = 33, ATTRIBUTE_PEER_DNS = 35, ATTRIBUTE_PEER_URI = 37, ATTRIBUTE_PEER_SHA256 = 38 };


#define EXPORT __attribute__((visibility("default")))
